// How long a busy-wait takes by two readings of the clock around 1000 calls: what the harness's own
// median is held against. Usage: truth NANOSECONDS... ; prints nanoseconds per call, a line each.
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

enum { THOUSANDS = 5 };

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static volatile float output;

__attribute__((noinline)) static void spin(int64_t nanoseconds) {
  int64_t end = now() + nanoseconds;
  while (now() < end) {
  }
  output = 1;
}

int main(int argc, char **argv) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  sched_setaffinity(0, sizeof set, &set);
  for (int i = 1; i < argc; i++) {
    int64_t nanoseconds = atoll(argv[i]);
    for (int warm = 0; warm < 100; warm++) spin(nanoseconds);
    double thousands[THOUSANDS];
    for (int n = 0; n < THOUSANDS; n++) {
      int64_t start = now();
      for (int call = 0; call < 1000; call++) spin(nanoseconds);
      thousands[n] = (double)(now() - start) / 1000;
    }
    qsort(thousands, THOUSANDS, sizeof thousands[0], ascending);
    printf("%.1f\n", thousands[THOUSANDS / 2]);
  }
}
