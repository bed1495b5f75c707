// SPDX-License-Identifier: MPL-2.0

// Sockets: their handles and their life.

#include "libzmq/socket.hpp"

#include "libzmq/errors.hpp"
#include "libzmq/registry.hpp"
#include "libzmq/socket_options.hpp"

#include <memory>
#include <new>
#include <optional>

namespace slk::libzmq {

namespace {

constinit registry<socket_object, 65536> sockets;

/// Errors: those of frame_socket::create(); cancelled (the context has ended).
result<std::unique_ptr<socket_object>> open(context& in, socket_type type)
{
    SLK_TRY(slk::context* const within, in.made());
    option_values values;
    values.set_defaults(type, in);
    SLK_TRY(const socket_options options, to_socket_options(values, type, in));
    SLK_TRY(frame_socket socket, frame_socket::create(*within, type, options));
    std::unique_ptr<socket_object> made(
        new (std::nothrow) socket_object{in, std::move(socket), std::move(values)});
    if (made == nullptr)
        return slk::fail(errc::out_of_memory, phase::setup);
    SLK_TRY(in.socket_opened());
    return made;
}

} // namespace

socket_object* socket_object::find(const void* handle) noexcept
{
    return sockets.find(handle);
}

void* socket_object::create(context& in, int type) noexcept
{
    if (type < 0 || static_cast<std::size_t>(type) >= socket_type_count) {
        errno = EINVAL;
        return nullptr;
    }
    auto made = open(in, static_cast<socket_type>(type));
    if (!made) {
        errno = errno_of(made.error());
        return nullptr;
    }
    void* const handle = sockets.add(**made);
    if (handle == nullptr) {
        made->reset();
        in.socket_closed();
        errno = EMFILE;
        return nullptr;
    }
    (void)made->release();
    return handle;
}

int socket_object::close(void* handle) noexcept
{
    std::unique_ptr<socket_object> closed(sockets.remove(handle));
    if (closed == nullptr)
        return ENOTSOCK;
    closed->socket.close_in_background(closed->linger());
    context& in = closed->within;
    closed.reset();
    in.socket_closed();
    return 0;
}

} // namespace slk::libzmq

using namespace slk::libzmq;

void* zmq_socket(void* handle, int type)
{
    context* const in = context::find(handle);
    if (in != nullptr)
        return socket_object::create(*in, type);
    errno = EFAULT;
    return nullptr;
}

int zmq_close(void* handle)
{
    const int wrong = socket_object::close(handle);
    return wrong == 0 ? 0 : fail(wrong);
}
