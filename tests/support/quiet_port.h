/* SPDX-License-Identifier: MPL-2.0 */
#ifndef SLK_TESTS_SUPPORT_QUIET_PORT_H
#define SLK_TESTS_SUPPORT_QUIET_PORT_H

/*
 * A port for a test that gives a port up and wants it again later, or wants nobody there: for C99
 * and C++. The system gives the ports above these to whoever asks for any (Linux from 32768 on,
 * Windows from 49152), so only a test that walks here too can take one meanwhile. Each process
 * begins elsewhere. The port may be in use: try the next one then.
 */

#include <stdint.h>
#include <time.h>

#if defined(_WIN32)
#include <process.h>
#define SLK_TESTS_PROCESS_ID _getpid
#else
#include <unistd.h>
#define SLK_TESTS_PROCESS_ID getpid
#endif

static inline uint16_t next_quiet_port(void)
{
    enum { first = 10000, count = 22003 }; /* a prime: the steps below reach all of them */
    static uint32_t place = 0;
    if (place == 0)
        place = (uint32_t)SLK_TESTS_PROCESS_ID() * 7919U + (uint32_t)time(NULL) * 104729U;
    place += 4001U;
    return (uint16_t)(first + place % count);
}

#endif
