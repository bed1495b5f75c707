// SPDX-License-Identifier: MPL-2.0
#include <libzmq/zmq.h>

#include <serverlink/curve.hpp>

#include "io/os/local_socket.hpp"

#include <string_view>

void zmq_version(int* major, int* minor, int* patch)
{
    if (major != nullptr)
        *major = ZMQ_VERSION_MAJOR;
    if (minor != nullptr)
        *minor = ZMQ_VERSION_MINOR;
    if (patch != nullptr)
        *patch = ZMQ_VERSION_PATCH;
}

int zmq_has(const char* capability)
{
    if (capability == nullptr)
        return 0;
    const std::string_view name(capability);
    if (name == "ipc")
        return slk::io::os::check_local_name("any") ? 1 : 0;
    return name == "curve" && slk::has_curve() ? 1 : 0;
}
