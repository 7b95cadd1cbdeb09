// The part of elfutils that names addresses: functions and source lines of a program and its libraries.
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
