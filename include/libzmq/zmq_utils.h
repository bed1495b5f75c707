/* SPDX-License-Identifier: MPL-2.0 */
#ifndef SERVERLINK_LIBZMQ_ZMQ_UTILS_H
#define SERVERLINK_LIBZMQ_ZMQ_UTILS_H

/* Older programs include this file. All that it had is in zmq.h. */
#include "zmq.h"

#endif
