#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

void hr_futex_wait(uint32_t *word, uint32_t expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void hr_futex_wake_all(uint32_t *word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

int hr_allowed_cpus(int *cpus, int capacity) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  int count = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &set)) continue;
    if (count < capacity) cpus[count] = cpu;
    count++;
  }
  return count;
}

int hr_bind_thread(const int *cpus, int count) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int index = 0; index < count; index++) {
    if (cpus[index] >= 0 && cpus[index] < CPU_SETSIZE) CPU_SET(cpus[index], &set);
  }
  return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

int hr_perf_open(uint32_t type, uint64_t config) {
  struct perf_event_attr attributes = {
      .type = type,
      .size = sizeof attributes,
      .config = config,
      .disabled = 1,
      .inherit = 1,
      .exclude_kernel = 1,
      .exclude_hv = 1,
      .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
  };
  int descriptor = (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  return descriptor >= 0 ? descriptor : -errno;
}

void *hr_map_private(uint64_t length, int *error) {
  void *address =
      mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    *error = errno;
    return NULL;
  }
  return address;
}

void *hr_map_shared(const char *path, uint64_t length, int create, int *error) {
  int descriptor = open(path, (create ? O_CREAT : 0) | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    *error = errno;
    return NULL;
  }
  void *address = MAP_FAILED;
  struct stat found;
  // Touching a page past a file's end, or one that a full disk has no room for, would be a bus error.
  int refused = create ? posix_fallocate(descriptor, 0, (off_t)length) : 0;
  if (create && (refused == EINVAL || refused == EOPNOTSUPP)) {
    refused = ftruncate(descriptor, (off_t)length) == 0 ? 0 : errno;
  }
  if (!create && fstat(descriptor, &found) == 0 && found.st_size < (off_t)length) refused = EINVAL;
  if (refused != 0) {
    errno = refused;
  } else {
    address = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  }
  if (address == MAP_FAILED) *error = errno;
  close(descriptor);
  return address == MAP_FAILED ? NULL : address;
}

void hr_unmap(void *address, uint64_t length) { munmap(address, length); }

void hr_advise_huge(void *address, uint64_t length) { madvise(address, length, MADV_HUGEPAGE); }

struct gathering {
  pthread_mutex_t lock;
  pthread_cond_t opened;
  int isOpen;
};

static void *wait_for_opening(void *argument) {
  struct gathering *all = argument;
  pthread_mutex_lock(&all->lock);
  while (!all->isOpen) pthread_cond_wait(&all->opened, &all->lock);
  pthread_mutex_unlock(&all->lock);
  return NULL;
}

int hr_can_start_threads(int count) {
  struct gathering all = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
  pthread_t threads[256];
  if (count > 256) count = 256;
  int started = 0;
  while (started < count &&
         pthread_create(&threads[started], NULL, wait_for_opening, &all) == 0) {
    started++;
  }
  pthread_mutex_lock(&all.lock);
  all.isOpen = 1;
  pthread_cond_broadcast(&all.opened);
  pthread_mutex_unlock(&all.lock);
  for (int index = 0; index < started; index++) pthread_join(threads[index], NULL);
  return started;
}

int hr_has_capabilities(const char *path) {
  return getxattr(path, "security.capability", NULL, 0) > 0;
}

int hr_peek_ended(int process, int64_t *resident) {
  siginfo_t ended = {0};
  struct rusage usage = {0};
  // The C library's waitid has no place for what was used.
  if (syscall(SYS_waitid, P_PID, process, &ended, WEXITED | WNOHANG | WNOWAIT, &usage) != 0) {
    return -errno;
  }
  if (ended.si_pid == 0) return 0;
  *resident = (int64_t)usage.ru_maxrss * 1024;
  return 1;
}

static int argument_count;
static char **arguments;

// The loader hands these to every constructor: they are there without /proc.
__attribute__((constructor)) static void keep_arguments(int count, char **values) {
  argument_count = count;
  arguments = values;
}

int hr_argument_count(void) { return argument_count; }

const char *hr_argument(int index) {
  return index >= 0 && index < argument_count ? arguments[index] : NULL;
}

const char *hr_compiler(void) {
#if defined(__VERSION__)
  return __VERSION__;
#else
  return "unknown";
#endif
}
