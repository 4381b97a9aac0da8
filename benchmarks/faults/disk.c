/* A disk that fails: from the k-th call that writes to, or reads from, files under a folder, that call and all later
   ones of its kind end in an error. Loaded before the system's library, so that calls of Rust count as well. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITES = 0, READS = 1 };
static atomic_long calls[2];
static long limits[2];
static char folder[PATH_MAX];
static size_t length;

void disk_fails(int kind, long from, const char *under) {
    strncpy(folder, under, PATH_MAX - 1);
    length = strlen(folder);
    limits[kind] = from;
    atomic_store(&calls[WRITES], 0);
    atomic_store(&calls[READS], 0);
}

long disk_calls(int kind) { return atomic_load(&calls[kind]); }

static int fails(int kind) {
    long number = atomic_fetch_add(&calls[kind], 1) + 1;
    if (!limits[kind] || number < limits[kind]) return 0;
    errno = kind == WRITES ? ENOSPC : EIO;
    return 1;
}

static int under(const char *path) { return length && path && !strncmp(path, folder, length); }

static int is_file_under(int descriptor) {
    char link[64], path[PATH_MAX];
    int before = errno;
    if (!length) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t bytes = readlink(link, path, sizeof path - 1);
    errno = before;
    if (bytes < 0) return 0;
    path[bytes] = 0;
    return under(path);
}

static int is_new(const char *path) {
    int before = errno, missing = access(path, F_OK);
    errno = before;
    return under(path) && missing;
}

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int d, const void *b, size_t n) { return is_file_under(d) && fails(WRITES) ? -1 : REAL(write)(d, b, n); }
ssize_t writev(int d, const struct iovec *v, int n) {
    return is_file_under(d) && fails(WRITES) ? -1 : REAL(writev)(d, v, n);
}
ssize_t pwrite64(int d, const void *b, size_t n, off64_t o) {
    return is_file_under(d) && fails(WRITES) ? -1 : REAL(pwrite64)(d, b, n, o);
}
int ftruncate64(int d, off64_t n) { return is_file_under(d) && fails(WRITES) ? -1 : REAL(ftruncate64)(d, n); }
int fsync(int d) { return is_file_under(d) && fails(WRITES) ? -1 : REAL(fsync)(d); }
int mkdir(const char *p, mode_t m) { return is_new(p) && fails(WRITES) ? -1 : REAL(mkdir)(p, m); }
int rename(const char *a, const char *b) { return under(b) && fails(WRITES) ? -1 : REAL(rename)(a, b); }
ssize_t read(int d, void *b, size_t n) { return is_file_under(d) && fails(READS) ? -1 : REAL(read)(d, b, n); }
ssize_t pread64(int d, void *b, size_t n, off64_t o) {
    return is_file_under(d) && fails(READS) ? -1 : REAL(pread64)(d, b, n, o);
}

int open64(const char *p, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return (flags & O_CREAT) && is_new(p) && fails(WRITES) ? -1 : REAL(open64)(p, flags, mode);
}
