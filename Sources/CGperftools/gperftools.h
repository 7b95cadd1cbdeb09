// The parts of gperftools that Swift can call: its C interfaces.
#include <gperftools/malloc_extension_c.h>
#include <gperftools/profiler.h>
