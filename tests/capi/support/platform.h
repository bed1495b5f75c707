/* SPDX-License-Identifier: MPL-2.0 */
#ifndef SLK_TESTS_CAPI_PLATFORM_H
#define SLK_TESTS_CAPI_PLATFORM_H

/*
 * What the tests need from the system: threads, mutexes, a clock, and a folder for files. The same
 * on POSIX systems and on Windows.
 */

#ifdef __cplusplus
extern "C" {
#endif

typedef struct test_thread test_thread;
typedef struct test_mutex test_mutex;

/* The process ends if there is no thread or no memory. */
test_thread* thread_start(void (*function)(void*), void* argument);
void thread_join(test_thread* thread);

test_mutex* mutex_new(void);
void mutex_lock(test_mutex* mutex);
void mutex_unlock(test_mutex* mutex);
void mutex_free(test_mutex* mutex);

/* An int that several threads may read and write. */
typedef struct test_flag {
    volatile int value;
} test_flag;

void flag_set(test_flag* flag, int value);
int flag_get(test_flag* flag);
/* Returns the new value. */
int flag_add(test_flag* flag, int difference);

/* Monotonic milliseconds. */
double now_ms(void);
void sleep_ms(int ms);

/* The number of this process. */
int process_number(void);
/* A folder for the files of this process, which is made with the first call. */
const char* scratch_folder(void);
/* Removes it, and the files in it. */
void remove_scratch_folder(void);

#ifdef __cplusplus
}
#endif

#endif
