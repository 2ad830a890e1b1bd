import react from '@vitejs/plugin-react';
import {defineConfig} from 'vite';

export default defineConfig({
  plugins: [react()],
  define: {
    'process.env.NODE_ENV': '"production"',
    'process.env': '{}',
    global: 'globalThis',
  },
  build: {
    outDir: 'out',
    // The page is read once, from this machine: small is worth nothing.
    minify: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 100000,
  },
});
