/* Loaded before the program under test (LD_PRELOAD): writes down every operation on files below one
 * directory, in order, and what is sent to a server; and lets the process die, or the disk fail, at
 * a chosen one. The log has a header of five 64-bit numbers for each record (kind, file, offset,
 * length of the first text, length of the second) and the texts. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { OPEN = 1, WRITE, TRUNCATE, SYNC, RENAME, UNLINK, SEND };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const char *root;
static size_t root_length;
static int log_file = -1;
static long die_at = -1, fail_at = -1, fail_for = 0, count = 0;
static int fail_with = EIO;
static char *names[4096];

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
    root = getenv("RECORDER_ROOT");
    const char *log = getenv("RECORDER_LOG");
    if (!root || !log) return;
    root_length = strlen(root);
    int (*real)(const char *, int, ...) = next("open");
    log_file = real(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (getenv("RECORDER_DIE_AT")) die_at = atol(getenv("RECORDER_DIE_AT"));
    if (getenv("RECORDER_FAIL_AT")) fail_at = atol(getenv("RECORDER_FAIL_AT"));
    if (getenv("RECORDER_FAIL_FOR")) fail_for = atol(getenv("RECORDER_FAIL_FOR"));
    if (getenv("RECORDER_FAIL_WITH")) fail_with = atoi(getenv("RECORDER_FAIL_WITH"));
}

static int watched(const char *path) {
    return log_file >= 0 && path && strncmp(path, root, root_length) == 0;
}

static const char *name_of(int fd) {
    return log_file >= 0 && fd >= 0 && fd < 4096 ? names[fd] : NULL;
}

static void put(const void *data, size_t length) {
    ssize_t (*real)(int, const void *, size_t) = next("write");
    const char *at = data;
    while (length > 0) {
        ssize_t done = real(log_file, at, length);
        if (done <= 0) return;
        at += done;
        length -= (size_t)done;
    }
}

/* Returns whether the operation that follows is to fail. The mutex is held. */
static int due(enum kind kind) {
    if (kind == OPEN || kind == SEND) return 0;
    long number = count++;
    if (number == die_at) kill(getpid(), SIGKILL);
    if (fail_at >= 0 && number >= fail_at && number < fail_at + fail_for) {
        errno = fail_with;
        return kind != UNLINK;
    }
    return 0;
}

static void note(enum kind kind, int fd, uint64_t offset, const void *first, size_t a,
                 const void *second, size_t b) {
    uint64_t header[5] = {kind, (uint64_t)(int64_t)fd, offset, a, b};
    put(header, sizeof header);
    put(first, a);
    put(second, b);
}

static void opened(const char *path, int flags, int fd) {
    if (fd < 0 || fd >= 4096) return;
    pthread_mutex_lock(&mutex);
    free(names[fd]);
    names[fd] = NULL;
    if (watched(path)) {
        names[fd] = strdup(path);
        note(OPEN, fd, (uint64_t)flags, path, strlen(path), NULL, 0);
    }
    pthread_mutex_unlock(&mutex);
}

#define OPENER(NAME)                                                      \
    int NAME(const char *path, int flags, ...) {                          \
        int (*real)(const char *, int, ...) = next(#NAME);                \
        va_list rest;                                                     \
        va_start(rest, flags);                                            \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                     \
        int fd = real(path, flags, mode);                                 \
        opened(path, flags, fd);                                          \
        return fd;                                                        \
    }
OPENER(open)
OPENER(open64)

#define OPENER_AT(NAME)                                                   \
    int NAME(int at, const char *path, int flags, ...) {                  \
        int (*real)(int, const char *, int, ...) = next(#NAME);           \
        va_list rest;                                                     \
        va_start(rest, flags);                                            \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                     \
        int fd = real(at, path, flags, mode);                             \
        opened(path, flags, fd);                                          \
        return fd;                                                        \
    }
OPENER_AT(openat)
OPENER_AT(openat64)

int close(int fd) {
    int (*real)(int) = next("close");
    pthread_mutex_lock(&mutex);
    if (fd >= 0 && fd < 4096) {
        free(names[fd]);
        names[fd] = NULL;
    }
    pthread_mutex_unlock(&mutex);
    return real(fd);
}

static void sent(int fd, const void *data, size_t length) {
    if (log_file < 0 || name_of(fd) || length < 5 || memcmp(data, "GET /", 5) != 0) return;
    pthread_mutex_lock(&mutex);
    note(SEND, fd, 0, data, length, NULL, 0);
    pthread_mutex_unlock(&mutex);
}

ssize_t write(int fd, const void *data, size_t length) {
    ssize_t (*real)(int, const void *, size_t) = next("write");
    if (!name_of(fd)) {
        sent(fd, data, length);
        return real(fd, data, length);
    }
    pthread_mutex_lock(&mutex);
    uint64_t at = (uint64_t)lseek(fd, 0, SEEK_CUR);
    ssize_t done = due(WRITE) ? -1 : real(fd, data, length);
    if (done > 0) note(WRITE, fd, at, names[fd], strlen(names[fd]), data, (size_t)done);
    pthread_mutex_unlock(&mutex);
    return done;
}

static ssize_t write_at(ssize_t (*real)(int, const void *, size_t, off_t), int fd,
                        const void *data, size_t length, off_t at) {
    if (!name_of(fd)) return real(fd, data, length, at);
    pthread_mutex_lock(&mutex);
    ssize_t done = due(WRITE) ? -1 : real(fd, data, length, at);
    if (done > 0) note(WRITE, fd, (uint64_t)at, names[fd], strlen(names[fd]), data, (size_t)done);
    pthread_mutex_unlock(&mutex);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
    return write_at(next("pwrite"), fd, data, length, at);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t at) {
    return write_at(next("pwrite64"), fd, data, length, at);
}

ssize_t send(int fd, const void *data, size_t length, int flags) {
    ssize_t (*real)(int, const void *, size_t, int) = next("send");
    sent(fd, data, length);
    return real(fd, data, length, flags);
}

ssize_t writev(int fd, const struct iovec *parts, int number) {
    ssize_t (*real)(int, const struct iovec *, int) = next("writev");
    if (number > 0) sent(fd, parts[0].iov_base, parts[0].iov_len);
    return real(fd, parts, number);
}

static int cut(int (*real)(int, off_t), int fd, off_t length) {
    if (!name_of(fd)) return real(fd, length);
    pthread_mutex_lock(&mutex);
    int done = due(TRUNCATE) ? -1 : real(fd, length);
    if (done == 0) note(TRUNCATE, fd, (uint64_t)length, names[fd], strlen(names[fd]), NULL, 0);
    pthread_mutex_unlock(&mutex);
    return done;
}

int ftruncate(int fd, off_t length) { return cut(next("ftruncate"), fd, length); }
int ftruncate64(int fd, off_t length) { return cut(next("ftruncate64"), fd, length); }

static int synced(int (*real)(int), int fd) {
    if (!name_of(fd)) return real(fd);
    pthread_mutex_lock(&mutex);
    int done = due(SYNC) ? -1 : real(fd);
    if (done == 0) note(SYNC, fd, 0, names[fd], strlen(names[fd]), NULL, 0);
    pthread_mutex_unlock(&mutex);
    return done;
}

int fsync(int fd) { return synced(next("fsync"), fd); }
int fdatasync(int fd) { return synced(next("fdatasync"), fd); }

int rename(const char *from, const char *to) {
    int (*real)(const char *, const char *) = next("rename");
    if (!watched(from)) return real(from, to);
    pthread_mutex_lock(&mutex);
    int done = due(RENAME) ? -1 : real(from, to);
    if (done == 0) note(RENAME, -1, 0, from, strlen(from), to, strlen(to));
    pthread_mutex_unlock(&mutex);
    return done;
}

int unlink(const char *path) {
    int (*real)(const char *) = next("unlink");
    if (!watched(path)) return real(path);
    pthread_mutex_lock(&mutex);
    int done = due(UNLINK) ? -1 : real(path);
    if (done == 0) note(UNLINK, -1, 0, path, strlen(path), NULL, 0);
    pthread_mutex_unlock(&mutex);
    return done;
}

/* Copies are to be seen as reads and writes. */
ssize_t copy_file_range(int from, off64_t *a, int to, off64_t *b, size_t length, unsigned flags) {
    ssize_t (*real)(int, off64_t *, int, off64_t *, size_t, unsigned) = next("copy_file_range");
    if (log_file < 0) return real(from, a, to, b, length, flags);
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile(int to, int from, off_t *at, size_t length) {
    ssize_t (*real)(int, int, off_t *, size_t) = next("sendfile");
    if (log_file < 0) return real(to, from, at, length);
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t length) {
    return sendfile(to, from, at, length);
}
