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
    return value == duration::zero() || (value >= std::chrono::seconds(1) && value <= max_seconds);
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
            return bad_tuning("tuning.keep_alive.idle is not 0 or 1 s to 32767 s");
        if (!whole_seconds_fit(keep_alive->interval))
            return bad_tuning("tuning.keep_alive.interval is not 0 or 1 s to 32767 s");
        if (keep_alive->count < 0 || keep_alive->count > 127)
            return bad_tuning("tuning.keep_alive.count is not 0 to 127");
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

/// Sets options of one socket, until one of them fails.
class setter {
public:
    setter(io::poller& poller, io::socket_id id, const tuning_options& options) noexcept
        : poller_(poller), id_(id), best_effort_(options.best_effort)
    {
    }

    void set(io::socket_option option, int value, const char* name) noexcept
    {
        take(poller_.set_option(id_, option, value), name);
    }
    void bind_to_device(std::string_view device, const char* name) noexcept
    {
        take(poller_.bind_to_device(id_, device), name);
    }
    /// `connected`: where a connection was reset meanwhile, some systems refuse every option: macOS
    /// with EINVAL (setsockopt(2) there). Then the option is not at fault.
    [[nodiscard]] result<void> done(bool connected) noexcept
    {
        if (!failure_)
            return {};
        failure_.phase = phase::tune;
        if (connected && !poller_.peer_address(id_))
            failure_.code = errc::connection_reset;
        return fail(failure_);
    }

private:
    /// The detail of a refused option's error is its name.
    void take(const result<void>& answer, const char* name) noexcept
    {
        if (answer || best_effort_ || failure_)
            return;
        failure_ = answer.error();
        failure_.detail = name;
    }

    io::poller& poller_;
    const io::socket_id id_;
    const bool best_effort_;
    error failure_;
};

} // namespace

result<void> tune_before_connect(io::poller& poller, io::socket_id id,
                                 const tuning_options& options)
{
    using enum io::socket_option;
    setter to(poller, id, options);
    if (options.send_buffer)
        to.set(send_buffer, *options.send_buffer, "tuning.send_buffer");
    if (options.receive_buffer)
        to.set(receive_buffer, *options.receive_buffer, "tuning.receive_buffer");
    if (!options.device.empty())
        to.bind_to_device(options.device, "tuning.device");
    return to.done(false);
}

result<void> tune_connected(io::poller& poller, io::socket_id id, address_family family,
                            const tuning_options& options)
{
    using enum io::socket_option;
    // The default is best effort, and one that was set explicitly cannot be told from it.
    if (options.no_delay && family != address_family::local)
        (void)poller.set_option(id, no_delay, 1);
    setter to(poller, id, options);
    if (options.keep_alive) {
        const keep_alive_options& probes = *options.keep_alive;
        to.set(keep_alive, probes.enabled ? 1 : 0, "tuning.keep_alive");
        if (probes.enabled) {
            if (probes.idle > duration::zero())
                to.set(keep_alive_idle, seconds_of(probes.idle), "tuning.keep_alive.idle");
            if (probes.interval > duration::zero())
                to.set(keep_alive_interval, seconds_of(probes.interval),
                       "tuning.keep_alive.interval");
            if (probes.count > 0)
                to.set(keep_alive_count, probes.count, "tuning.keep_alive.count");
        }
    }
    if (options.type_of_service)
        to.set(type_of_service, *options.type_of_service, "tuning.type_of_service");
    if (options.user_timeout) {
        const auto milliseconds =
            std::chrono::duration_cast<std::chrono::milliseconds>(*options.user_timeout).count();
        to.set(user_timeout, static_cast<int>(milliseconds), "tuning.user_timeout");
    }
    return to.done(true);
}

} // namespace slk::link_detail
