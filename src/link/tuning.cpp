// SPDX-License-Identifier: MPL-2.0
#include <serverlink/tuning.hpp>

#include "link/tune.hpp"

namespace slk {

namespace {

constexpr duration max_seconds = std::chrono::seconds(32767);
constexpr std::size_t max_device_name = 15; // IFNAMSIZ - 1, netdevice(7)

unexpected bad_tuning(const char* what)
{
    return fail(errc::invalid_argument, phase::setup, what);
}

bool whole_seconds_fit(duration value)
{
    return value >= std::chrono::seconds(1) && value <= max_seconds;
}

int seconds_of(duration value)
{
    return static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(value).count());
}

} // namespace

result<void> tuning_options::validate() const
{
    if (keep_alive) {
        if (!whole_seconds_fit(keep_alive->idle))
            return bad_tuning("tuning.keep_alive.idle is not 1 s to 32767 s");
        if (!whole_seconds_fit(keep_alive->interval))
            return bad_tuning("tuning.keep_alive.interval is not 1 s to 32767 s");
        if (keep_alive->count < 1 || keep_alive->count > 127)
            return bad_tuning("tuning.keep_alive.count is not 1 to 127");
    }
    if (send_buffer && *send_buffer < 1)
        return bad_tuning("tuning.send_buffer is less than 1 byte");
    if (receive_buffer && *receive_buffer < 1)
        return bad_tuning("tuning.receive_buffer is less than 1 byte");
    if (type_of_service && (*type_of_service < 0 || *type_of_service > 255))
        return bad_tuning("tuning.type_of_service is not 0 to 255");
    if (user_timeout && (*user_timeout < std::chrono::milliseconds(1) ||
                         *user_timeout > std::chrono::milliseconds(INT32_MAX)))
        return bad_tuning("tuning.user_timeout is not 1 ms to 2147483647 ms");
    if (device.size() > max_device_name)
        return bad_tuning("tuning.device is longer than 15 characters");
    return {};
}

} // namespace slk

namespace slk::link_detail {

namespace {

/// The detail of a refused option's error is its name.
result<void> named(const result<void>& done, const char* name)
{
    if (done)
        return {};
    error failure = done.error();
    failure.phase = phase::tune;
    failure.detail = name;
    return fail(failure);
}

result<void> set(io::poller& poller, io::socket_id id, io::socket_option option, int value,
                 const char* name)
{
    return named(poller.set_option(id, option, value), name);
}

/// As set(), for a connection. Where it was reset meanwhile, some systems refuse every option:
/// macOS with EINVAL (setsockopt(2) there). Then the option is not at fault.
result<void> set_connected(io::poller& poller, io::socket_id id, io::socket_option option,
                           int value, const char* name)
{
    auto done = set(poller, id, option, value, name);
    if (!done && !poller.peer_address(id))
        return fail({errc::connection_reset, phase::tune, done.error().native, name});
    return done;
}

} // namespace

result<void> tune_before_connect(io::poller& poller, io::socket_id id,
                                 const tuning_options& options)
{
    using enum io::socket_option;
    if (options.send_buffer)
        SLK_TRY(set(poller, id, send_buffer, *options.send_buffer, "tuning.send_buffer"));
    if (options.receive_buffer)
        SLK_TRY(set(poller, id, receive_buffer, *options.receive_buffer, "tuning.receive_buffer"));
    if (!options.device.empty())
        SLK_TRY(named(poller.bind_to_device(id, options.device), "tuning.device"));
    return {};
}

result<void> tune_connected(io::poller& poller, io::socket_id id, address_family family,
                            const tuning_options& options)
{
    using enum io::socket_option;
    // The default is best effort, and one that was set explicitly cannot be told from it.
    if (options.no_delay && family != address_family::local)
        (void)set_connected(poller, id, no_delay, 1, "tuning.no_delay");
    if (options.keep_alive) {
        const keep_alive_options& probes = *options.keep_alive;
        SLK_TRY(set_connected(poller, id, keep_alive, probes.enabled ? 1 : 0, "tuning.keep_alive"));
        if (probes.enabled) {
            SLK_TRY(set_connected(poller, id, keep_alive_idle, seconds_of(probes.idle),
                                  "tuning.keep_alive.idle"));
            SLK_TRY(set_connected(poller, id, keep_alive_interval, seconds_of(probes.interval),
                                  "tuning.keep_alive.interval"));
            SLK_TRY(set_connected(poller, id, keep_alive_count, probes.count,
                                  "tuning.keep_alive.count"));
        }
    }
    if (options.type_of_service)
        SLK_TRY(set_connected(poller, id, type_of_service, *options.type_of_service,
                              "tuning.type_of_service"));
    if (options.user_timeout) {
        const auto milliseconds =
            std::chrono::duration_cast<std::chrono::milliseconds>(*options.user_timeout).count();
        SLK_TRY(set_connected(poller, id, user_timeout, static_cast<int>(milliseconds),
                              "tuning.user_timeout"));
    }
    return {};
}

} // namespace slk::link_detail
