/* SPDX-License-Identifier: MPL-2.0 */
#ifdef _WIN32

#include "platform.h"

#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

struct test_thread {
    HANDLE handle;
    void (*function)(void*);
    void* argument;
};

struct test_mutex {
    CRITICAL_SECTION section;
};

static void* allocate(size_t size)
{
    void* memory = malloc(size);
    if (memory == NULL)
        abort();
    return memory;
}

static unsigned __stdcall enter(void* started)
{
    test_thread* thread = started;
    thread->function(thread->argument);
    return 0;
}

test_thread* thread_start(void (*function)(void*), void* argument)
{
    test_thread* thread = allocate(sizeof *thread);
    thread->function = function;
    thread->argument = argument;
    thread->handle = (HANDLE)_beginthreadex(NULL, 0, enter, thread, 0, NULL);
    if (thread->handle == NULL)
        abort();
    return thread;
}

void thread_join(test_thread* thread)
{
    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
    free(thread);
}

test_mutex* mutex_new(void)
{
    test_mutex* mutex = allocate(sizeof *mutex);
    InitializeCriticalSection(&mutex->section);
    return mutex;
}

void mutex_lock(test_mutex* mutex)
{
    EnterCriticalSection(&mutex->section);
}

void mutex_unlock(test_mutex* mutex)
{
    LeaveCriticalSection(&mutex->section);
}

void mutex_free(test_mutex* mutex)
{
    DeleteCriticalSection(&mutex->section);
    free(mutex);
}

void flag_set(test_flag* flag, int value)
{
    InterlockedExchange((volatile LONG*)&flag->value, value);
}

int flag_get(test_flag* flag)
{
    return flag_add(flag, 0);
}

int flag_add(test_flag* flag, int difference)
{
    return (int)InterlockedExchangeAdd((volatile LONG*)&flag->value, difference) + difference;
}

double now_ms(void)
{
    LARGE_INTEGER frequency;
    LARGE_INTEGER counter;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&counter);
    return (double)counter.QuadPart * 1e3 / (double)frequency.QuadPart;
}

void sleep_ms(int ms)
{
    Sleep((DWORD)ms);
}

int process_number(void)
{
    return (int)GetCurrentProcessId();
}

static char folder[MAX_PATH];

const char* scratch_folder(void)
{
    if (folder[0] == '\0') {
        char temporary[MAX_PATH - 64];
        DWORD length = GetTempPathA((DWORD)sizeof temporary, temporary);
        if (length == 0 || length >= sizeof temporary)
            abort();
        snprintf(folder, sizeof folder, "%sslk-capi-%d", temporary, process_number());
        CreateDirectoryA(folder, NULL);
    }
    return folder;
}

void remove_scratch_folder(void)
{
    char pattern[MAX_PATH + 8];
    char path[2 * MAX_PATH];
    WIN32_FIND_DATAA entry;
    HANDLE search;
    if (folder[0] == '\0')
        return;
    snprintf(pattern, sizeof pattern, "%s\\*", folder);
    search = FindFirstFileA(pattern, &entry);
    if (search != INVALID_HANDLE_VALUE) {
        do {
            snprintf(path, sizeof path, "%s\\%s", folder, entry.cFileName);
            DeleteFileA(path);
        } while (FindNextFileA(search, &entry));
        FindClose(search);
    }
    RemoveDirectoryA(folder);
    folder[0] = '\0';
}

#else
typedef int platform_windows_is_empty;
#endif
