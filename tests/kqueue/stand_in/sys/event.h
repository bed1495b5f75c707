// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_KQUEUE_STAND_IN_SYS_EVENT_H
#define SLK_TESTS_KQUEUE_STAND_IN_SYS_EVENT_H

/// A stand-in for the header of BSD and macOS, for the tests only: as much of kqueue(2) as the
/// backend uses, written after its manual page, with FreeBSD's numbers. What is behind it is in
/// ../../stand_in.cpp.

#include <cstdint>

#include <time.h>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_USER (-11)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_RECEIPT 0x0040
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

#define NOTE_TRIGGER 0x01000000U

struct kevent {
    std::uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned int fflags;
    std::int64_t data;
    void* udata;
};

int kqueue();
int kevent(int queue, const struct kevent* changes, int change_count, struct kevent* events,
           int event_count, const timespec* timeout);

#endif
