// The memory of CPython's objects, which it maps for itself: counted as "Python
// Objects" in the report of native memory. Other programs are left alone.
//
// CPython keeps the two functions that map its arenas in a table which may be
// set before it is initialised (PyObject_SetArenaAllocator, since 3.4); they
// are found in the running program, so that nothing of Python is needed.
#ifndef POOLSCOPE_EXPORTER_PRELOAD_PYTHON_MEMORY_H_
#define POOLSCOPE_EXPORTER_PRELOAD_PYTHON_MEMORY_H_

namespace poolscope {

// Once a process, before main().
void TrackPythonMemory();

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_PRELOAD_PYTHON_MEMORY_H_
