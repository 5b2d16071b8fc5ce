// Preloaded into a server, moves its wall clock by the seconds that the file MOVED_CLOCK holds (eight bytes, as the
// machine writes them), at once when they change. Monotonic clocks go on, as they do when an administrator sets the
// time. (libfaketime cannot be loaded beside AddressSanitizer.)
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t const volatile* moved_by;

__attribute__((constructor)) static void find_offset(void) {
  char const* name = getenv("MOVED_CLOCK");
  int file = name != NULL ? open(name, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) abort();
  void* page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (page == MAP_FAILED) abort();
  moved_by = page;
}

int clock_gettime(clockid_t which, struct timespec* out) {
  int const failed = (int)syscall(SYS_clock_gettime, which, out);
  if (failed == 0 && moved_by != NULL && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) out->tv_sec += *moved_by;
  return failed;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval* out, void* zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}
