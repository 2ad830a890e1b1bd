#!/usr/bin/env python3
"""Writes the C++ source behind ui_assets.h.

usage: embed_assets.py OUTPUT FILE...

One of the files is index.html, the page; the others are served as they are,
under their names.
"""

import hashlib
import os
import sys

CONTENT_TYPES = {
    '.css': 'text/css; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.svg': 'image/svg+xml',
}
DELIMITER = 'asset'


def literal(path):
  """The file as a raw string literal."""
  with open(path, encoding='utf-8', newline='') as file:
    text = file.read()
  # A lone CR and a NUL would not survive the compiler.
  if f'){DELIMITER}"' in text or '\r' in text or '\0' in text:
    sys.exit(f'{path}: cannot be a raw string literal')
  return f'R"{DELIMITER}({text}){DELIMITER}"'


def asset(path):
  """The file as a UiAsset."""
  name = os.path.basename(path)
  content_type = CONTENT_TYPES[os.path.splitext(name)[1]]
  with open(path, 'rb') as file:
    digest = hashlib.sha256(file.read()).hexdigest()[:16]
  # Weak, for it is the same whether the text goes out compressed or not.
  return (f'    {{"{name}", "{content_type}",\n'
          f'     "W/\\"{digest}\\"",\n'
          f'     {literal(path)}}},\n')


def main(output, *paths):
  page, = (path for path in paths if os.path.basename(path) == 'index.html')
  assets = sorted((path for path in paths if path != page),
                  key=os.path.basename)
  with open(output, 'w', encoding='utf-8', newline='') as file:
    file.write('#include "poolscope/exporter/ui/ui_assets.h"\n\n'
               'namespace poolscope {\nnamespace {\n\n'
               'constexpr UiAsset kAssets[] = {\n')
    file.writelines(asset(path) for path in assets)
    file.write('};\n\n}  // namespace\n\n'
               'absl::Span<const UiAsset> UiAssets() { return kAssets; }\n\n'
               'absl::string_view UiPageTemplate() {\n'
               f'  return {literal(page)};\n'
               '}\n\n}  // namespace poolscope\n')


if __name__ == '__main__':
  main(*sys.argv[1:])
