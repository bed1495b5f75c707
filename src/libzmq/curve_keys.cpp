// SPDX-License-Identifier: MPL-2.0
#include "libzmq/curve_keys.hpp"

#include <libzmq/zmq.h>

#include "libzmq/errors.hpp"

using namespace slk::libzmq;

int zmq_curve_keypair(char*, char*)
{
    return fail(ENOTSUP);
}

int zmq_curve_public(char*, const char*)
{
    return fail(ENOTSUP);
}
