// SPDX-License-Identifier: MPL-2.0

// Sockets: their life, endpoints and options.

#include "base/try_allocate.hpp"
#include "capi/handles.hpp"

#include <serverlink/endpoint.hpp>

#include <algorithm>
#include <climits>
#include <cstring>
#include <string_view>

namespace slk::capi {

namespace {

constexpr std::size_t max_routing_id = 255;
constexpr std::size_t max_ipc_path = 107; // unix(7)

// --- endpoints ---

/// What the C++ API would refuse about it, with the reasons of the C API: 0 or a code.
int check_endpoint(const slk_socket_t& of, std::string_view text, endpoint_kind kind) noexcept
{
    constexpr std::string_view ipc = "ipc://";
    if (text.starts_with(ipc) && text.size() - ipc.size() > max_ipc_path)
        return native::name_too_long;
    const auto parsed = endpoint::parse(text);
    if (!parsed)
        return parsed.error() == errc::not_supported ? native::unknown_transport
                                                     : code_of(parsed.error());
    if (parsed->transport == transport::inproc)
        return 0;
    const auto numeric = parsed->numeric();
    if (kind == endpoint_kind::bound && numeric && numeric->family == address_family::ipv6 &&
        of.values[int_option::ipv6] == 0)
        return native::no_device;
    const std::lock_guard lock(of.context->guard);
    const int threads = of.context->values.io_threads;
    const std::uint64_t affinity = of.values.affinity;
    const bool no_thread = threads == 0 || (affinity != 0 && threads < 64 &&
                                            (affinity & ((1ULL << threads) - 1)) == 0);
    return no_thread ? SLK_EMTHREAD : 0;
}

/// A second connection to the same place would get, or send, everything twice: for these types it
/// is the first one, as with libzmq.
bool is_connected_already(slk_socket_t& of, std::string_view text)
{
    const socket_type type = of.socket->type();
    const bool once = type == socket_type::dealer || type == socket_type::req ||
                      type == socket_type::sub || type == socket_type::pub;
    if (!once || text.starts_with("inproc://"))
        return false;
    return of.socket->has_endpoint(endpoint_kind::connected, text).value_or(false);
}

/// With the option IPV6 the wildcard is that of IPv6, for both families.
std::string_view without_wildcard(const slk_socket_t& of, std::string_view text) noexcept
{
    constexpr std::string_view wildcard = "tcp://*:";
    return of.values[int_option::ipv6] != 0 && text.starts_with(wildcard)
               ? text.substr(wildcard.size())
               : std::string_view();
}

// --- options ---

/// Makes the values the options of the socket. On an error they are as before.
int apply(slk_socket_t& to, socket_values&& changed)
{
    const frame_socket& socket = *to.socket;
    const auto options = [&] {
        const std::lock_guard lock(to.context->guard);
        return to_socket_options(changed, socket.type(), to.context->values);
    }();
    if (!options)
        return fail_with(code_of(options.error()));
    if (const auto set = to.socket->set_options(*options); !set)
        return fail_with(code_of(set.error()));
    to.values = std::move(changed);
    return 0;
}

/// Changes the values: `change` is called with a copy, and returns 0 or the code of the error.
template <class Change>
int change_values(slk_socket_t& to, Change change)
{
    socket_values changed;
    if (!try_copy(changed, to.values))
        return fail_with(SLK_ENOMEM);
    const int wrong = change(changed);
    return wrong == 0 ? apply(to, std::move(changed)) : fail_with(wrong);
}

int set_int(slk_socket_t& to, const int_option_row& row, int value)
{
    if (value < row.min || value > row.max)
        return fail_with(SLK_EINVAL);
    const int stored = row.is_flag && value > 1 ? 1 : value;
    return change_values(to, [&](socket_values& changed) {
        using enum int_option;
        changed[row.which] = stored;
        if (row.which == heartbeat_ttl)
            changed[heartbeat_ttl] = stored / 100 * 100;
        else if (row.which == xpub_verbose)
            changed[xpub_verboser] = 0;
        else if (row.which == xpub_verboser)
            changed[xpub_verbose] = stored;
        else if (row.which == xpub_manual_last_value)
            changed[xpub_manual] = stored;
        else if (row.which == xpub_manual && stored == 0)
            changed[xpub_manual_last_value] = 0;
        return 0;
    });
}

int subscribe(slk_socket_t& on, int option, std::span<const std::byte> topic)
{
    frame_socket& socket = *on.socket;
    const socket_type type = socket.type();
    const bool manual = type == socket_type::xpub && on.values[int_option::xpub_manual] != 0;
    const bool has_patterns = type == socket_type::sub || type == socket_type::xsub;
    switch (option) {
    case SLK_SUBSCRIBE:
    case SLK_UNSUBSCRIBE: {
        if (type != socket_type::sub && !manual)
            return fail_with(SLK_EINVAL);
        const auto done =
            option == SLK_SUBSCRIBE ? socket.subscribe(topic) : socket.unsubscribe(topic);
        // The peer of the request has gone.
        return manual && !done && done.error() == errc::no_route ? 0 : answer(done);
    }
    case SLK_PSUBSCRIBE:
    case SLK_PUNSUBSCRIBE:
        if (!has_patterns)
            return fail_with(SLK_EINVAL);
        return answer(option == SLK_PSUBSCRIBE ? socket.psubscribe(topic)
                                               : socket.punsubscribe(topic));
    default: return fail_with(SLK_EINVAL);
    }
}

int set_bytes(slk_socket_t& to, int option, std::string_view value)
{
    const socket_type type = to.socket->type();
    switch (option) {
    case SLK_ROUTING_ID:
        if (value.empty() || value.size() > max_routing_id)
            return fail_with(SLK_EINVAL);
        return change_values(to, [&](socket_values& changed) {
            return try_assign(changed.routing_id, value) ? 0 : SLK_ENOMEM;
        });
    case SLK_CONNECT_ROUTING_ID:
        if (type != socket_type::router || value.empty() || value.size() > max_routing_id)
            return fail_with(SLK_EINVAL);
        return try_assign(to.next_peer, value) ? 0 : fail_with(SLK_ENOMEM);
    case SLK_XPUB_WELCOME_MSG:
        if (type != socket_type::xpub)
            return fail_with(SLK_EINVAL);
        return change_values(to, [&](socket_values& changed) {
            return try_assign(changed.welcome_message, value) ? 0 : SLK_ENOMEM;
        });
    default: return subscribe(to, option, bytes_of(value.data(), value.size()));
    }
}

template <class Number>
bool read_number(Number& into, const void* value, std::size_t len) noexcept
{
    if (len != sizeof into)
        return false;
    std::memcpy(&into, value, sizeof into);
    return true;
}

int set_option(slk_socket_t& to, int option, const void* value, std::size_t len)
{
    if (const int_option_row* const row = find_int_option(option, to.socket->type());
        row != nullptr) {
        int number = 0;
        return read_number(number, value, len) ? set_int(to, *row, number) : fail_with(SLK_EINVAL);
    }
    if (option == unnamed::affinity)
        return change_values(to, [&](socket_values& changed) {
            return read_number(changed.affinity, value, len) ? 0 : SLK_EINVAL;
        });
    if (option == unnamed::max_message_size)
        return change_values(to, [&](socket_values& changed) {
            const bool is_one = read_number(changed.max_message_size, value, len);
            return is_one && changed.max_message_size >= -1 ? 0 : SLK_EINVAL;
        });
    return set_bytes(to, option, {static_cast<const char*>(value), len});
}

template <class Number>
int store(Number number, void* value, std::size_t* len) noexcept
{
    if (*len != sizeof number)
        return fail_with(SLK_EINVAL);
    std::memcpy(value, &number, sizeof number);
    return 0;
}

int store(std::string_view bytes, void* value, std::size_t* len) noexcept
{
    if (*len < bytes.size())
        return fail_with(SLK_EINVAL);
    if (!bytes.empty())
        std::memcpy(value, bytes.data(), bytes.size());
    *len = bytes.size();
    return 0;
}

int get_option(slk_socket_t& of, int option, void* value, std::size_t* len)
{
    frame_socket& socket = *of.socket;
    const socket_type type = socket.type();
    if (const int_option_row* const row = find_int_option(option, type); row != nullptr)
        return row->set_only ? fail_with(SLK_EINVAL) : store(of.values[row->which], value, len);
    switch (option) {
    case unnamed::affinity: return store(of.values.affinity, value, len);
    case unnamed::max_message_size: return store(of.values.max_message_size, value, len);
    case unnamed::more: return store(socket.is_receiving() ? 1 : 0, value, len);
    case unnamed::type: return store(static_cast<int>(type), value, len);
    case unnamed::events: {
        const socket_events now = socket.events();
        return store((now.readable ? SLK_POLLIN : 0) | (now.writable ? SLK_POLLOUT : 0), value,
                     len);
    }
    case unnamed::handle: {
        const auto handle = socket.event_handle();
        return handle ? store(static_cast<slk_fd_t>(*handle), value, len)
                      : fail_with(code_of(handle.error()));
    }
    case SLK_ROUTING_ID: return store(std::string_view(of.values.routing_id), value, len);
    case SLK_LAST_ENDPOINT: {
        const std::string last = socket.last_endpoint();
        return store(std::string_view(last.c_str(), last.size() + 1), value, len);
    }
    case SLK_TOPICS_COUNT:
        if (type != socket_type::pub && type != socket_type::xpub && type != socket_type::sub &&
            type != socket_type::xsub)
            return fail_with(SLK_EINVAL);
        return store(static_cast<int>(std::min<std::size_t>(socket.topics_count(), INT_MAX)), value,
                     len);
    default: return fail_with(SLK_EINVAL);
    }
}

} // namespace

} // namespace slk::capi

using namespace slk::capi;

slk_socket_t* slk_socket(slk_ctx_t* ctx, int type)
{
    const context_call call(ctx);
    if (call.code() == 0)
        return open_socket(*ctx, type);
    fail_with(call.code());
    return nullptr;
}

int slk_close(slk_socket_t* socket)
{
    const int wrong = close_socket(socket);
    return wrong == 0 ? 0 : fail_with(wrong);
}

int slk_bind(slk_socket_t* socket, const char* endpoint)
{
    const socket_call call(socket);
    if (call.code() != 0 || endpoint == nullptr)
        return fail_with(endpoint == nullptr ? SLK_EINVAL : call.code());
    if (const int wrong = check_endpoint(*socket, endpoint, slk::endpoint_kind::bound); wrong != 0)
        return fail_with(wrong);
    const std::string_view port = without_wildcard(*socket, endpoint);
    const auto bound = port.empty() ? call.socket().bind(endpoint)
                                    : call.socket().bind(slk::joined({"tcp://[::]:", port}));
    if (bound)
        return 0;
    // The system was not asked: there is no network interface of that name.
    if (bound.error() == slk::errc::address_not_available && bound.error().native == 0)
        return fail_with(native::no_device);
    return answer(bound);
}

int slk_connect(slk_socket_t* socket, const char* endpoint)
{
    const socket_call call(socket);
    if (call.code() != 0 || endpoint == nullptr)
        return fail_with(endpoint == nullptr ? SLK_EINVAL : call.code());
    if (const int wrong = check_endpoint(*socket, endpoint, slk::endpoint_kind::connected);
        wrong != 0)
        return fail_with(wrong);
    if (is_connected_already(*socket, endpoint))
        return 0;
    return answer(call.socket().connect(
        endpoint, {.routing_id = std::exchange(socket->next_peer, std::string())}));
}

namespace {

int withdraw(slk_socket_t* socket, const char* endpoint, slk::endpoint_kind kind)
{
    const socket_call call(socket);
    if (call.code() != 0 || endpoint == nullptr)
        return fail_with(endpoint == nullptr ? SLK_EINVAL : call.code());
    if (const auto parsed = slk::endpoint::parse(endpoint); !parsed)
        return fail_with(parsed.error() == slk::errc::not_supported ? native::unknown_transport
                                                                    : code_of(parsed.error()));
    const int linger = socket->values[int_option::linger];
    const auto done =
        kind == slk::endpoint_kind::bound
            ? call.socket().stop_listening(endpoint)
            : call.socket().disconnect_in_background(
                  endpoint, linger < 0 ? slk::duration::max() : std::chrono::milliseconds(linger));
    // There is no such endpoint.
    return !done && done.error() == slk::errc::invalid_argument ? fail_with(native::no_entry)
                                                                : answer(done);
}

} // namespace

int slk_disconnect(slk_socket_t* socket, const char* endpoint)
{
    return withdraw(socket, endpoint, slk::endpoint_kind::connected);
}

int slk_unbind(slk_socket_t* socket, const char* endpoint)
{
    return withdraw(socket, endpoint, slk::endpoint_kind::bound);
}

int slk_setsockopt(slk_socket_t* socket, int option, const void* value, size_t len)
{
    const socket_call call(socket);
    if (call.code() != 0)
        return fail_with(call.code());
    const bool may_be_null = option == SLK_SUBSCRIBE || option == SLK_UNSUBSCRIBE;
    if (value == nullptr && (len != 0 || !may_be_null))
        return fail_with(SLK_EINVAL);
    return set_option(*socket, option, value, len);
}

int slk_getsockopt(slk_socket_t* socket, int option, void* value, size_t* len)
{
    const socket_call call(socket);
    if (call.code() != 0)
        return fail_with(call.code());
    if (value == nullptr || len == nullptr)
        return fail_with(SLK_EINVAL);
    return get_option(*socket, option, value, len);
}
