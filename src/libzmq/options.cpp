// SPDX-License-Identifier: MPL-2.0

// zmq_setsockopt() and zmq_getsockopt().

#include "base/try_allocate.hpp"
#include "base/z85.hpp"
#include "libzmq/errors.hpp"
#include "libzmq/socket.hpp"
#include "libzmq/socket_options.hpp"

#include <array>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace slk::libzmq {

namespace {

constexpr std::size_t max_text = 255;
constexpr std::size_t max_device = 16; ///< IFNAMSIZ

constexpr std::uint16_t bit(int type) noexcept
{
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(type));
}

// --- to set ---

/// Makes the values the options of the socket. On an error they are as before.
int apply(socket_object& to, option_values&& changed)
{
    const auto options = to_socket_options(changed, to.socket.type(), to.within);
    if (!options)
        return answer(options);
    if (const auto set = to.socket.set_options(*options); !set)
        return answer(set);
    to.values.wipe_secrets();
    to.values = std::move(changed);
    return 0;
}

/// Changes the values: `change` is called with a copy, and returns 0 or an errno.
template <class Change>
int change_values(socket_object& to, Change change)
{
    option_values changed;
    if (!changed.try_copy(to.values))
        return fail(ENOMEM);
    const int wrong = change(changed);
    return wrong == 0 ? apply(to, std::move(changed)) : fail(wrong);
}

template <class Number>
bool read_number(Number& into, const void* value, std::size_t size) noexcept
{
    if (size != sizeof into || value == nullptr)
        return false;
    std::memcpy(&into, value, sizeof into);
    return true;
}

int set_int(socket_object& to, std::size_t row, int value)
{
    const int_option& option = int_options[row];
    if ((option.types & bit(to.type())) == 0 || value < option.min || value > option.max)
        return fail(EINVAL);
    if (option.number == ZMQ_CURVE_SERVER && !has_curve())
        return fail(EINVAL);
    return change_values(to, [&](option_values& changed) {
        changed.ints[row] = option.is_flag && value > 1 ? 1 : value;
        const bool is_set = value != 0;
        switch (option.number) {
        case ZMQ_HEARTBEAT_TTL: changed.ints[row] = value / 100 * 100; break;
        case ZMQ_PLAIN_SERVER:
            changed.mechanism = is_set ? ZMQ_PLAIN : ZMQ_NULL;
            changed.at<ZMQ_CURVE_SERVER>() = 0;
            break;
        case ZMQ_CURVE_SERVER:
            changed.mechanism = is_set ? ZMQ_CURVE : ZMQ_NULL;
            changed.at<ZMQ_PLAIN_SERVER>() = 0;
            break;
        case ZMQ_XPUB_VERBOSE: changed.at<ZMQ_XPUB_VERBOSER>() = 0; break;
        case ZMQ_XPUB_VERBOSER: changed.at<ZMQ_XPUB_VERBOSE>() = is_set ? 1 : 0; break;
        case draft::xpub_manual_last_value: changed.at<ZMQ_XPUB_MANUAL>() = is_set ? 1 : 0; break;
        case ZMQ_XPUB_MANUAL:
            if (!is_set)
                changed.at<draft::xpub_manual_last_value>() = 0;
            break;
        default: break;
        }
        return 0;
    });
}

int subscribe(socket_object& on, int option, std::span<const std::byte> topic)
{
    const bool manual =
        on.socket.type() == socket_type::xpub && on.values.get<ZMQ_XPUB_MANUAL>() != 0;
    if (on.socket.type() != socket_type::sub && !manual)
        return fail(EINVAL);
    const auto done =
        option == ZMQ_SUBSCRIBE ? on.socket.subscribe(topic) : on.socket.unsubscribe(topic);
    // The peer of the request has gone.
    return manual && !done && done.error() == errc::no_route ? 0 : answer(done);
}

int set_text(socket_object& to, std::string option_values::* which, std::string_view value)
{
    return change_values(
        to, [&](option_values& changed) { return try_assign(changed.*which, value) ? 0 : ENOMEM; });
}

/// A name or a password, of which nothing at all is "none".
int set_credential(socket_object& to, std::string option_values::* which, const char* value,
                   std::size_t size)
{
    const bool none = value == nullptr && size == 0;
    if (!none && (value == nullptr || size == 0 || size > max_text))
        return fail(EINVAL);
    return change_values(to, [&](option_values& changed) {
        changed.mechanism = none ? ZMQ_NULL : ZMQ_PLAIN;
        changed.at<ZMQ_PLAIN_SERVER>() = changed.at<ZMQ_CURVE_SERVER>() = 0;
        return none || try_assign(changed.*which, {value, size}) ? 0 : ENOMEM;
    });
}

/// Sets a key, of 32 bytes or as text of 40 characters, perhaps with its end.
template <class Key>
int set_key(socket_object& to, Key option_values::* which, const char* value, std::size_t size)
{
    if (!has_curve() || value == nullptr)
        return fail(EINVAL);
    const auto key = Key::from({value, size});
    if (!key)
        return answer(key);
    return change_values(to, [&](option_values& changed) {
        changed.mechanism = ZMQ_CURVE;
        changed.at<ZMQ_PLAIN_SERVER>() = 0;
        // Who knows the server's key is its client.
        if constexpr (std::is_same_v<Key, curve_public_key>)
            if (which == &option_values::curve_server)
                changed.at<ZMQ_CURVE_SERVER>() = 0;
        changed.*which = *key;
        return 0;
    });
}

/// A text of 1 to `longest` bytes, or none at all.
int set_optional_text(socket_object& to, std::string option_values::* which, const char* value,
                      std::size_t size, std::size_t longest)
{
    if (value == nullptr && size == 0)
        return set_text(to, which, {});
    if (value == nullptr || size == 0 || size > longest)
        return fail(EINVAL);
    return set_text(to, which, {value, size});
}

/// A network more, or none any more.
int set_accept_filter(socket_object& to, const char* value, std::size_t size)
{
    if (value == nullptr && size == 0)
        return change_values(to, [](option_values& changed) {
            changed.accepts.networks.clear();
            return 0;
        });
    if (value == nullptr || size == 0 || size > max_text)
        return fail(EINVAL);
    const auto network = peer_filter::network::parse({value, size});
    const bool is_ipv6 = network && network->base.family == address_family::ipv6;
    if (!network || (is_ipv6 && to.values.get<ZMQ_IPV6>() == 0))
        return fail(EINVAL);
    return change_values(to, [&](option_values& changed) {
        return try_push_back(changed.accepts.networks, *network) ? 0 : ENOMEM;
    });
}

/// The id of a process, a user or a group more, or none any more.
int set_id_filter(socket_object& to, std::vector<std::uint32_t> peer_filter::* which,
                  const void* value, std::size_t size)
{
    std::uint32_t id = 0;
    const bool none = value == nullptr && size == 0;
    if (!none && !read_number(id, value, size))
        return fail(EINVAL);
    return change_values(to, [&](option_values& changed) {
        std::vector<std::uint32_t>& ids = changed.accepts.*which;
        if (none)
            ids.clear();
        return none || try_push_back(ids, id) ? 0 : ENOMEM;
    });
}

int set_next_peer(socket_object& to, const char* value, std::size_t size)
{
    const bool names_peers = to.socket.type() == socket_type::router ||
                             to.socket.type() == socket_type::rep ||
                             to.socket.type() == socket_type::stream;
    if (!names_peers || value == nullptr || size == 0 || size > max_text)
        return fail(EINVAL);
    return try_assign(to.next_peer, {value, size}) ? 0 : fail(ENOMEM);
}

/// "X-NAME:VALUE"
int add_property(socket_object& to, const char* value, std::size_t size)
{
    const std::string_view text(value, value != nullptr ? size : 0);
    const std::size_t colon = text.find(':');
    if (!text.starts_with("X-") || colon == std::string_view::npos || colon + 1 == text.size())
        return fail(EINVAL);
    return change_values(to, [&](option_values& changed) {
        socket_property made;
        return try_assign(made.name, text.substr(0, colon)) &&
                       try_assign(made.value, text.substr(colon + 1)) &&
                       try_push_back(changed.properties, std::move(made))
                   ? 0
                   : ENOMEM;
    });
}

int set_bytes(socket_object& to, int option, const char* value, std::size_t size)
{
    switch (option) {
    case ZMQ_SUBSCRIBE:
    case ZMQ_UNSUBSCRIBE:
        return subscribe(to, option, bytes_of(value, value != nullptr ? size : 0));
    case ZMQ_ROUTING_ID:
        if (value == nullptr || size == 0 || size > max_text)
            return fail(EINVAL);
        return set_text(to, &option_values::routing_id, {value, size});
    case ZMQ_CONNECT_ROUTING_ID: return set_next_peer(to, value, size);
    case ZMQ_XPUB_WELCOME_MSG:
        if (to.socket.type() != socket_type::xpub && to.socket.type() != socket_type::pub)
            return fail(EINVAL);
        return set_text(to, &option_values::welcome_message,
                        value != nullptr ? std::string_view(value, size) : std::string_view());
    case ZMQ_PLAIN_USERNAME: return set_credential(to, &option_values::plain_user, value, size);
    case ZMQ_PLAIN_PASSWORD: return set_credential(to, &option_values::plain_password, value, size);
    case ZMQ_CURVE_PUBLICKEY: return set_key(to, &option_values::curve_public, value, size);
    case ZMQ_CURVE_SECRETKEY: return set_key(to, &option_values::curve_secret, value, size);
    case ZMQ_CURVE_SERVERKEY: return set_key(to, &option_values::curve_server, value, size);
    case ZMQ_ZAP_DOMAIN:
        return set_optional_text(to, &option_values::zap_domain, value, size, max_text);
    case ZMQ_SOCKS_PROXY:
        return set_optional_text(to, &option_values::socks_proxy, value, size, SIZE_MAX);
    case draft::socks_username:
        return set_optional_text(to, &option_values::socks_user, value, size, max_text);
    case draft::socks_password:
        return set_optional_text(to, &option_values::socks_password, value, size, max_text);
    case ZMQ_TCP_ACCEPT_FILTER: return set_accept_filter(to, value, size);
    case ZMQ_IPC_FILTER_PID: return set_id_filter(to, &peer_filter::processes, value, size);
    case ZMQ_IPC_FILTER_UID: return set_id_filter(to, &peer_filter::users, value, size);
    case ZMQ_IPC_FILTER_GID: return set_id_filter(to, &peer_filter::groups, value, size);
    case draft::metadata: return add_property(to, value, size);
    case ZMQ_BINDTODEVICE:
        return set_optional_text(to, &option_values::device, value, size, max_device);
    default: return fail(EINVAL);
    }
}

int set_option(socket_object& to, int option, const void* value, std::size_t size)
{
    if (const std::size_t row = row_of(option); row != no_option) {
        int number = 0;
        return read_number(number, value, size) ? set_int(to, row, number) : fail(EINVAL);
    }
    switch (option) {
    case ZMQ_AFFINITY:
        return change_values(to, [&](option_values& changed) {
            return read_number(changed.affinity, value, size) ? 0 : EINVAL;
        });
    case ZMQ_MAXMSGSIZE:
        return change_values(to, [&](option_values& changed) {
            return read_number(changed.max_message_size, value, size) ? 0 : EINVAL;
        });
    case ZMQ_IPV4ONLY: {
        int number = 0;
        if (!read_number(number, value, size) || number < 0 || number > 1)
            return fail(EINVAL);
        return set_int(to, row_of(ZMQ_IPV6), 1 - number);
    }
    default: return set_bytes(to, option, static_cast<const char*>(value), size);
    }
}

// --- to get ---

template <class Number>
int store(Number number, void* value, std::size_t* size) noexcept
{
    if (*size != sizeof number)
        return fail(EINVAL);
    std::memcpy(value, &number, sizeof number);
    return 0;
}

/// A longer space is filled with zeros.
template <class Number>
int store_padded(Number number, void* value, std::size_t* size) noexcept
{
    if (*size < sizeof number)
        return fail(EINVAL);
    std::memset(value, 0, *size);
    std::memcpy(value, &number, sizeof number);
    *size = sizeof number;
    return 0;
}

int store(std::string_view bytes, void* value, std::size_t* size) noexcept
{
    if (*size < bytes.size())
        return fail(EINVAL);
    if (!bytes.empty())
        std::memcpy(value, bytes.data(), bytes.size());
    *size = bytes.size();
    return 0;
}

/// With its end.
int store_text(const std::string& text, void* value, std::size_t* size) noexcept
{
    return store(std::string_view(text.c_str(), text.size() + 1), value, size);
}

/// As bytes, or as text with its end, by the space for it. A key that was not set is zeros.
int store_key(std::span<const std::byte> key, void* value, std::size_t* size) noexcept
{
    constexpr std::size_t bytes = curve_public_key::size;
    constexpr std::size_t text = z85_length(bytes);
    constexpr std::array<std::byte, bytes> none{};
    if (!has_curve() || (*size != bytes && *size != text + 1))
        return fail(EINVAL);
    if (key.empty())
        key = none;
    if (*size == bytes) {
        std::memcpy(value, key.data(), bytes);
    } else {
        auto* const to = static_cast<char*>(value);
        write_z85({to, text}, key.first(bytes));
        to[text] = '\0';
    }
    return 0;
}

int events_of(socket_object& of) noexcept
{
    const socket_events now = of.socket.events();
    return (now.readable ? ZMQ_POLLIN : 0) | (now.writable ? ZMQ_POLLOUT : 0);
}

int get_option(socket_object& of, int option, void* value, std::size_t* size)
{
    if (const std::size_t row = row_of(option); row != no_option)
        return int_options[row].is_readable ? store(of.values.ints[row], value, size)
                                            : fail(EINVAL);
    const option_values& values = of.values;
    switch (option) {
    case ZMQ_AFFINITY: return store(values.affinity, value, size);
    case ZMQ_MAXMSGSIZE: return store(values.max_message_size, value, size);
    case ZMQ_IPV4ONLY: return store(1 - values.get<ZMQ_IPV6>(), value, size);
    case ZMQ_RCVMORE: return store_padded(of.socket.is_receiving() ? 1 : 0, value, size);
    case ZMQ_THREAD_SAFE: return store_padded(0, value, size);
    case ZMQ_TYPE: return store(of.type(), value, size);
    case ZMQ_MECHANISM: return store(values.mechanism, value, size);
    case ZMQ_EVENTS: {
        if (const auto usable = of.socket.usable(); !usable)
            return answer(usable);
        return store_padded(events_of(of), value, size);
    }
    case ZMQ_FD: {
        const auto handle = of.socket.event_handle();
        return handle ? store_padded(static_cast<zmq_fd_t>(*handle), value, size) : answer(handle);
    }
    case ZMQ_ROUTING_ID:
        return store(
            std::string_view(of.connected_peer.empty() ? values.routing_id : of.connected_peer),
            value, size);
    case ZMQ_LAST_ENDPOINT: return store_text(of.socket.last_endpoint(), value, size);
    case ZMQ_PLAIN_USERNAME: return store_text(values.plain_user, value, size);
    case ZMQ_PLAIN_PASSWORD: return store_text(values.plain_password, value, size);
    case ZMQ_CURVE_PUBLICKEY: return store_key(values.curve_public.bytes(), value, size);
    case ZMQ_CURVE_SECRETKEY: return store_key(values.curve_secret.bytes(), value, size);
    case ZMQ_CURVE_SERVERKEY: return store_key(values.curve_server.bytes(), value, size);
    case ZMQ_ZAP_DOMAIN: return store_text(values.zap_domain, value, size);
    case ZMQ_SOCKS_PROXY: return store_text(values.socks_proxy, value, size);
    case draft::socks_username: return store_text(values.socks_user, value, size);
    case draft::socks_password: return store_text(values.socks_password, value, size);
    case ZMQ_BINDTODEVICE: return store_text(values.device, value, size);
    default: return fail(EINVAL);
    }
}

} // namespace

} // namespace slk::libzmq

using namespace slk::libzmq;

int zmq_setsockopt(void* socket, int option, const void* value, size_t size)
{
    socket_object* const to = socket_object::find(socket);
    if (to == nullptr)
        return fail(ENOTSOCK);
    if (const auto usable = to->socket.usable(); !usable)
        return answer(usable);
    return set_option(*to, option, value, size);
}

int zmq_getsockopt(void* socket, int option, void* value, size_t* size)
{
    socket_object* const of = socket_object::find(socket);
    if (of == nullptr)
        return fail(ENOTSOCK);
    if (const auto usable = of->socket.usable(); !usable)
        return answer(usable);
    if (value == nullptr || size == nullptr)
        return fail(EFAULT);
    return get_option(*of, option, value, size);
}
