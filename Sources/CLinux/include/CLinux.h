// What Swift cannot call of Linux: futexes, the pause hint, affinity, performance counters.
#ifndef HR_CLINUX_H
#define HR_CLINUX_H

#include <stdint.h>
#include <time.h>

/// Nanoseconds of the monotonic clock.
static inline int64_t hr_monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/// Tells the processor that this is a waiting loop.
static inline void hr_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static inline uint32_t hr_load_acquire(const uint32_t *word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void hr_store_release(uint32_t *word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/// Adds and answers the value from before; ordered against all other such operations.
static inline uint32_t hr_fetch_add(uint32_t *word, uint32_t value) {
  return __atomic_fetch_add(word, value, __ATOMIC_SEQ_CST);
}

static inline uint32_t hr_load_ordered(const uint32_t *word) {
  return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/// Sleeps while `*word == expected`; may return early. Private to this process.
void hr_futex_wait(uint32_t *word, uint32_t expected);

/// Wakes every sleeper on `word`.
void hr_futex_wake_all(uint32_t *word);

/// Fills `cpus` with the processors that this thread may run on and answers how many there are.
int hr_allowed_cpus(int *cpus, int capacity);

/// Binds the calling thread to the listed processors; 0, or an errno.
int hr_bind_thread(const int *cpus, int count);

/// Opens a counter of this process, all its threads to come included, user mode only.
/// Answers a file descriptor, or a negative errno.
int hr_perf_open(uint32_t type, uint64_t config);

/// A page-backed mapping that is private and zeroed, or NULL with `*error` set to the errno.
void *hr_map_private(uint64_t length, int *error);

/// A file's first `length` bytes, shared; NULL with `*error` set to the errno. A new one has its room on
/// the disk beforehand, since a write to a page without room ends the writer by a signal.
void *hr_map_shared(const char *path, uint64_t length, int create, int *error);

void hr_unmap(void *address, uint64_t length);

/// Asks for huge pages on a mapping; a kernel without them says no, which does no harm.
void hr_advise_huge(void *address, uint64_t length);

/// Starts so many threads that do nothing, side by side, and ends them; answers how many started.
int hr_can_start_threads(int count);

/// What this program was started with, as the loader had it; NULL beyond the last one.
int hr_argument_count(void);
const char *hr_argument(int index);

/// Whether a program's file gives it rights of its own (file capabilities).
int hr_has_capabilities(const char *path);

/// Whether a child has ended, which stays to be waited for: 1 or 0, or a negative errno. If so, `resident`
/// is the highest resident size in bytes of any one process among it and those that it waited for.
int hr_peek_ended(int process, int64_t *resident);

/// The compiler that built the C parts, in its own words.
const char *hr_compiler(void);

#endif
