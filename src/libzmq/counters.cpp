// SPDX-License-Identifier: MPL-2.0

// Counters that threads share. NULL counts nothing and is 0.

#include <libzmq/zmq.h>

#include "libzmq/errors.hpp"

#include <atomic>
#include <new>

namespace {

using counter = std::atomic<int>;

} // namespace

void* zmq_atomic_counter_new(void)
{
    auto* const made = new (std::nothrow) counter(0);
    if (made == nullptr)
        slk::libzmq::fail(ENOMEM);
    return made;
}

void zmq_atomic_counter_set(void* of, int value)
{
    if (of != nullptr)
        static_cast<counter*>(of)->store(value);
}

int zmq_atomic_counter_inc(void* of)
{
    return of != nullptr ? static_cast<counter*>(of)->fetch_add(1) : 0;
}

int zmq_atomic_counter_dec(void* of)
{
    return of != nullptr && static_cast<counter*>(of)->fetch_sub(1) != 1 ? 1 : 0;
}

int zmq_atomic_counter_value(void* of)
{
    return of != nullptr ? static_cast<counter*>(of)->load() : 0;
}

void zmq_atomic_counter_destroy(void** of)
{
    if (of == nullptr)
        return;
    delete static_cast<counter*>(*of);
    *of = nullptr;
}
