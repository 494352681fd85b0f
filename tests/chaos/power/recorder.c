/* Records what a process does to files below CHAOS_ROOT and what it sends, in order, into CHAOS_RECORD.
   Loaded by LD_PRELOAD. A record: kind u8, fd i32, a i64, b i64, size u32, bytes. Everything but the waiting
   of a sync happens under one lock, so the order in the record is the order in which it happened. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 4096
enum { OPEN = 1, CLOSE, WRITE, SYNC_BEGIN, SYNC_END, TRUNCATE, ALLOCATE, RENAME, UNLINK, MKDIR, RMDIR, SEND };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int record_fd = -1;
static char root[1024];
static size_t root_size;
static unsigned char is_ours[FDS];

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CHAOS_RECORD"), *folder = getenv("CHAOS_ROOT");
    if (!path || !folder) return;
    strncpy(root, folder, sizeof root - 1);
    root_size = strlen(root);
    record_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int below(const char *path) { return record_fd >= 0 && path && !strncmp(path, root, root_size); }
static int ours(int fd) { return record_fd >= 0 && fd >= 0 && fd < FDS && is_ours[fd]; }

static void put(uint8_t kind, int32_t fd, int64_t a, int64_t b, const struct iovec *parts, int count) {
    unsigned char head[25];
    uint32_t size = 0;
    for (int i = 0; i < count; i++) size += (uint32_t)parts[i].iov_len;
    head[0] = kind;
    memcpy(head + 1, &fd, 4); memcpy(head + 5, &a, 8); memcpy(head + 13, &b, 8); memcpy(head + 21, &size, 4);
    struct iovec all[64] = {{head, sizeof head}};
    int n = 1;
    for (int i = 0; i < count && n < 64; i++) all[n++] = parts[i];
    syscall(SYS_writev, record_fd, all, n);
}

static void put_text(uint8_t kind, int32_t fd, int64_t a, const char *one, const char *two) {
    struct iovec parts[2] = {{(void *)one, strlen(one) + 1}, {(void *)(two ? two : ""), two ? strlen(two) + 1 : 0}};
    put(kind, fd, a, 0, parts, two ? 2 : 1);
}

/* names */

static int opened(int fd, const char *path, int flags) {
    if (fd >= 0 && fd < FDS && below(path)) {
        is_ours[fd] = 1;
        put_text(OPEN, fd, flags & (O_CREAT | O_TRUNC), path, NULL);
    }
    return fd;
}

#define OPENER(name) \
    int name(const char *path, int flags, ...) { \
        va_list more; va_start(more, flags); int mode = va_arg(more, int); va_end(more); \
        REAL(int, #name, const char *, int, ...); \
        if (!below(path)) return real(path, flags, mode); \
        pthread_mutex_lock(&lock); int fd = opened(real(path, flags, mode), path, flags); \
        pthread_mutex_unlock(&lock); return fd; }
OPENER(open)
OPENER(open64)

#define AT_OPENER(name) \
    int name(int at, const char *path, int flags, ...) { \
        va_list more; va_start(more, flags); int mode = va_arg(more, int); va_end(more); \
        REAL(int, #name, int, const char *, int, ...); \
        if (!below(path)) return real(at, path, flags, mode); \
        pthread_mutex_lock(&lock); int fd = opened(real(at, path, flags, mode), path, flags); \
        pthread_mutex_unlock(&lock); return fd; }
AT_OPENER(openat)
AT_OPENER(openat64)

int close(int fd) {
    REAL(int, "close", int);
    if (!ours(fd)) return real(fd);
    pthread_mutex_lock(&lock);
    is_ours[fd] = 0;
    put(CLOSE, fd, 0, 0, NULL, 0);
    int done = real(fd);
    pthread_mutex_unlock(&lock);
    return done;
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    if (!below(from)) return real(from, to);
    pthread_mutex_lock(&lock);
    int done = real(from, to);
    if (!done) put_text(RENAME, -1, 0, from, to);
    pthread_mutex_unlock(&lock);
    return done;
}

#define ON_NAME(name, kind) \
    int name(const char *path) { \
        REAL(int, #name, const char *); \
        if (!below(path)) return real(path); \
        pthread_mutex_lock(&lock); int done = real(path); \
        if (!done) put_text(kind, -1, 0, path, NULL); \
        pthread_mutex_unlock(&lock); return done; }
ON_NAME(unlink, UNLINK)
ON_NAME(rmdir, RMDIR)

int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    if (!below(path)) return real(path, mode);
    pthread_mutex_lock(&lock);
    int done = real(path, mode);
    if (!done) put_text(MKDIR, -1, 0, path, NULL);
    pthread_mutex_unlock(&lock);
    return done;
}

/* contents */

static int is_socket(int fd) {
    struct stat about;
    return !fstat(fd, &about) && S_ISSOCK(about.st_mode);
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    struct iovec part = {(void *)data, size};
    if (ours(fd)) {
        pthread_mutex_lock(&lock);
        int64_t offset = lseek(fd, 0, SEEK_CUR);
        ssize_t done = real(fd, data, size);
        if (done > 0) { part.iov_len = (size_t)done; put(WRITE, fd, offset, 0, &part, 1); }
        pthread_mutex_unlock(&lock);
        return done;
    }
    if (record_fd >= 0 && is_socket(fd)) {
        pthread_mutex_lock(&lock); put(SEND, fd, 0, 0, &part, 1); pthread_mutex_unlock(&lock);
    }
    return real(fd, data, size);
}

#define WRITER_AT(name) \
    ssize_t name(int fd, const void *data, size_t size, off_t offset) { \
        REAL(ssize_t, #name, int, const void *, size_t, off_t); \
        if (!ours(fd)) return real(fd, data, size, offset); \
        pthread_mutex_lock(&lock); ssize_t done = real(fd, data, size, offset); \
        struct iovec part = {(void *)data, done > 0 ? (size_t)done : 0}; \
        if (done > 0) put(WRITE, fd, offset, 0, &part, 1); \
        pthread_mutex_unlock(&lock); return done; }
WRITER_AT(pwrite)
WRITER_AT(pwrite64)

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    if (record_fd >= 0 && is_socket(fd)) {
        pthread_mutex_lock(&lock); put(SEND, fd, 0, 0, parts, count); pthread_mutex_unlock(&lock);
    }
    return real(fd, parts, count);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    REAL(ssize_t, "sendmsg", int, const struct msghdr *, int);
    if (record_fd >= 0) {
        pthread_mutex_lock(&lock);
        put(SEND, fd, 0, 0, message->msg_iov, (int)message->msg_iovlen);
        pthread_mutex_unlock(&lock);
    }
    return real(fd, message, flags);
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    REAL(ssize_t, "send", int, const void *, size_t, int);
    struct iovec part = {(void *)data, size};
    if (record_fd >= 0) {
        pthread_mutex_lock(&lock); put(SEND, fd, 0, 0, &part, 1); pthread_mutex_unlock(&lock);
    }
    return real(fd, data, size, flags);
}

#define RESIZER(name) \
    int name(int fd, off_t size) { \
        REAL(int, #name, int, off_t); \
        if (!ours(fd)) return real(fd, size); \
        pthread_mutex_lock(&lock); int done = real(fd, size); \
        if (!done) put(TRUNCATE, fd, size, 0, NULL, 0); \
        pthread_mutex_unlock(&lock); return done; }
RESIZER(ftruncate)
RESIZER(ftruncate64)

#define ALLOCATOR(name) \
    int name(int fd, off_t offset, off_t size) { \
        REAL(int, #name, int, off_t, off_t); \
        if (!ours(fd)) return real(fd, offset, size); \
        pthread_mutex_lock(&lock); int done = real(fd, offset, size); \
        if (!done) put(ALLOCATE, fd, offset, size, NULL, 0); \
        pthread_mutex_unlock(&lock); return done; }
ALLOCATOR(posix_fallocate)
ALLOCATOR(posix_fallocate64)

/* What a sync covers is what had happened when it began, and it is true when it has ended. */
static int64_t tokens;
#define SYNCER(name) \
    int name(int fd) { \
        REAL(int, #name, int); \
        if (!ours(fd)) return real(fd); \
        pthread_mutex_lock(&lock); int64_t token = ++tokens; put(SYNC_BEGIN, fd, token, 0, NULL, 0); \
        pthread_mutex_unlock(&lock); \
        int done = real(fd); \
        pthread_mutex_lock(&lock); if (!done) put(SYNC_END, fd, token, 0, NULL, 0); \
        pthread_mutex_unlock(&lock); return done; }
SYNCER(fsync)
SYNCER(fdatasync)
