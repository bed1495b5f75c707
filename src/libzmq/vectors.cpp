// SPDX-License-Identifier: MPL-2.0

// zmq_sendiov() and zmq_recviov(), which libzmq does not document.

#include <libzmq/zmq.h>

#include "libzmq/errors.hpp"
#include "libzmq/socket.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>

// As in <sys/uio.h>, which not every system has.
struct iovec {
    void* iov_base;
    size_t iov_len;
};

using namespace slk::libzmq;

int zmq_sendiov(void* socket, iovec* parts, size_t count, int flags)
{
    if (socket_object::find(socket) == nullptr)
        return fail(ENOTSOCK);
    if (parts == nullptr || count == 0)
        return fail(EINVAL);
    int sent = -1;
    for (size_t i = 0; i < count; ++i) {
        // With ZMQ_SNDMORE they are one message; without it each is one.
        const int last = i + 1 == count ? ~ZMQ_SNDMORE : ~0;
        sent = zmq_send(socket, parts[i].iov_base, parts[i].iov_len, flags & last);
        if (sent < 0)
            return -1;
    }
    return sent;
}

int zmq_recviov(void* socket, iovec* parts, size_t* count, int flags)
{
    socket_object* const by = socket_object::find(socket);
    if (by == nullptr)
        return fail(ENOTSOCK);
    if (parts == nullptr || count == nullptr || *count == 0)
        return fail(EINVAL);
    const size_t room = *count;
    *count = 0;
    bool more = true;
    while (more && *count < room) {
        const auto received = by->socket.receive(
            by->received, socket_object::limit_of(by->values.get<ZMQ_RCVTIMEO>(), flags));
        if (!received)
            return fail(errno_of(received.error()));
        const size_t size = by->received.size();
        void* const copy = std::malloc(size > 0 ? size : 1);
        if (copy == nullptr)
            return fail(ENOMEM);
        if (size > 0)
            std::memcpy(copy, by->received.data(), size);
        parts[*count].iov_base = copy;
        parts[*count].iov_len = size;
        ++*count;
        more = by->received.more();
        by->received.clear();
    }
    return static_cast<int>(*count);
}
