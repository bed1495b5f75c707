/* SPDX-License-Identifier: MPL-2.0 */
#ifndef _WIN32

#define _POSIX_C_SOURCE 200809L

#include "platform.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct test_thread {
    pthread_t handle;
    void (*function)(void*);
    void* argument;
};

struct test_mutex {
    pthread_mutex_t handle;
};

static void* allocate(size_t size)
{
    void* memory = malloc(size);
    if (memory == NULL)
        abort();
    return memory;
}

static void* enter(void* started)
{
    test_thread* thread = started;
    thread->function(thread->argument);
    return NULL;
}

test_thread* thread_start(void (*function)(void*), void* argument)
{
    test_thread* thread = allocate(sizeof *thread);
    thread->function = function;
    thread->argument = argument;
    if (pthread_create(&thread->handle, NULL, enter, thread) != 0)
        abort();
    return thread;
}

void thread_join(test_thread* thread)
{
    pthread_join(thread->handle, NULL);
    free(thread);
}

test_mutex* mutex_new(void)
{
    test_mutex* mutex = allocate(sizeof *mutex);
    pthread_mutex_init(&mutex->handle, NULL);
    return mutex;
}

void mutex_lock(test_mutex* mutex)
{
    pthread_mutex_lock(&mutex->handle);
}

void mutex_unlock(test_mutex* mutex)
{
    pthread_mutex_unlock(&mutex->handle);
}

void mutex_free(test_mutex* mutex)
{
    pthread_mutex_destroy(&mutex->handle);
    free(mutex);
}

/* One for all flags: the tests do not hurry. */
static pthread_mutex_t flags = PTHREAD_MUTEX_INITIALIZER;

void flag_set(test_flag* flag, int value)
{
    pthread_mutex_lock(&flags);
    flag->value = value;
    pthread_mutex_unlock(&flags);
}

int flag_get(test_flag* flag)
{
    return flag_add(flag, 0);
}

int flag_add(test_flag* flag, int difference)
{
    int value;
    pthread_mutex_lock(&flags);
    value = flag->value += difference;
    pthread_mutex_unlock(&flags);
    return value;
}

double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void sleep_ms(int ms)
{
    struct timespec duration;
    duration.tv_sec = ms / 1000;
    duration.tv_nsec = (ms % 1000) * 1000000L;
    while (nanosleep(&duration, &duration) != 0)
        continue;
}

int process_number(void)
{
    return (int)getpid();
}

static char folder[64];

const char* scratch_folder(void)
{
    if (folder[0] == '\0') {
        /* A path of ipc has at most 107 bytes, so TMPDIR is not looked at. */
        snprintf(folder, sizeof folder, "/tmp/slk-capi-XXXXXX");
        if (mkdtemp(folder) == NULL)
            abort();
    }
    return folder;
}

void remove_scratch_folder(void)
{
    DIR* opened;
    struct dirent* entry;
    char path[512];
    if (folder[0] == '\0')
        return;
    opened = opendir(folder);
    while (opened != NULL && (entry = readdir(opened)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    if (opened != NULL)
        closedir(opened);
    rmdir(folder);
    folder[0] = '\0';
}

#else
typedef int platform_posix_is_empty;
#endif
