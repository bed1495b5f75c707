// SPDX-License-Identifier: MPL-2.0
#include <serverlink/error.hpp>

#include "base/try_allocate.hpp"

namespace slk {

std::string_view name_of(errc code) noexcept
{
    switch (code) {
    case errc::ok: return "ok";
    case errc::invalid_argument: return "invalid_argument";
    case errc::invalid_state: return "invalid_state";
    case errc::not_supported: return "not_supported";
    case errc::in_progress: return "in_progress";
    case errc::already_exists: return "already_exists";
    case errc::not_found: return "not_found";
    case errc::cancelled: return "cancelled";
    case errc::loop_closed: return "loop_closed";
    case errc::forked: return "forked";
    case errc::connection_refused: return "connection_refused";
    case errc::self_connect: return "self_connect";
    case errc::timed_out: return "timed_out";
    case errc::network_unreachable: return "network_unreachable";
    case errc::host_unreachable: return "host_unreachable";
    case errc::network_down: return "network_down";
    case errc::permission_denied: return "permission_denied";
    case errc::address_in_use: return "address_in_use";
    case errc::address_not_available: return "address_not_available";
    case errc::no_local_port: return "no_local_port";
    case errc::address_family_not_supported: return "address_family_not_supported";
    case errc::name_not_found: return "name_not_found";
    case errc::name_lookup_failed: return "name_lookup_failed";
    case errc::connection_reset: return "connection_reset";
    case errc::connection_aborted: return "connection_aborted";
    case errc::not_connected: return "not_connected";
    case errc::end_of_stream: return "end_of_stream";
    case errc::broken_pipe: return "broken_pipe";
    case errc::too_many_descriptors: return "too_many_descriptors";
    case errc::out_of_memory: return "out_of_memory";
    case errc::protocol_error: return "protocol_error";
    case errc::authentication_refused: return "authentication_refused";
    case errc::rejected: return "rejected";
    case errc::message_too_large: return "message_too_large";
    case errc::no_route: return "no_route";
    case errc::peer_replaced: return "peer_replaced";
    case errc::would_block: return "would_block";
    case errc::interrupted: return "interrupted";
    case errc::unknown: return "unknown";
    }
    return "unknown"; // a number cast from elsewhere
}

std::string_view name_of(phase value) noexcept
{
    switch (value) {
    case phase::none: return "none";
    case phase::setup: return "setup";
    case phase::resolve: return "resolve";
    case phase::open: return "open";
    case phase::bind: return "bind";
    case phase::listen: return "listen";
    case phase::accept: return "accept";
    case phase::connect: return "connect";
    case phase::tune: return "tune";
    case phase::handshake: return "handshake";
    case phase::transfer: return "transfer";
    case phase::close: return "close";
    }
    return "none";
}

std::string to_string(const error& failure)
{
    const bool in_phase = failure.phase != phase::none;
    const bool has_native = failure.native != 0;
    const bool has_detail = failure.detail != nullptr;
    const number_text native(failure.native);
    return joined({in_phase ? name_of(failure.phase) : "", in_phase ? ": " : "",
                   name_of(failure.code), has_native ? " (native " : "",
                   has_native ? std::string_view(native) : "", has_native ? ")" : "",
                   has_detail ? ": " : "", has_detail ? failure.detail : ""});
}

namespace {

/// The matching std::errc of a code, where there is one: a caller may then compare an error_code
/// with std::errc::connection_refused without knowing slk::errc.
std::errc standard_equivalent(errc code) noexcept
{
    switch (code) {
    case errc::invalid_argument: return std::errc::invalid_argument;
    case errc::not_supported: return std::errc::not_supported;
    case errc::in_progress: return std::errc::operation_in_progress;
    case errc::already_exists: return std::errc::file_exists;
    case errc::not_found: return std::errc::no_such_file_or_directory;
    case errc::cancelled: return std::errc::operation_canceled;
    case errc::self_connect:
    case errc::connection_refused: return std::errc::connection_refused;
    case errc::timed_out: return std::errc::timed_out;
    case errc::network_unreachable: return std::errc::network_unreachable;
    case errc::host_unreachable: return std::errc::host_unreachable;
    case errc::network_down: return std::errc::network_down;
    case errc::permission_denied: return std::errc::permission_denied;
    case errc::address_in_use: return std::errc::address_in_use;
    case errc::no_local_port:
    case errc::address_not_available: return std::errc::address_not_available;
    case errc::address_family_not_supported: return std::errc::address_family_not_supported;
    case errc::connection_reset: return std::errc::connection_reset;
    case errc::connection_aborted: return std::errc::connection_aborted;
    case errc::not_connected: return std::errc::not_connected;
    case errc::broken_pipe: return std::errc::broken_pipe;
    case errc::too_many_descriptors: return std::errc::too_many_files_open;
    case errc::out_of_memory: return std::errc::not_enough_memory;
    case errc::protocol_error: return std::errc::protocol_error;
    case errc::message_too_large: return std::errc::message_size;
    case errc::no_route:
    case errc::peer_replaced: return std::errc::host_unreachable;
    case errc::would_block: return std::errc::resource_unavailable_try_again;
    case errc::interrupted: return std::errc::interrupted;
    case errc::ok:
    case errc::invalid_state:
    case errc::loop_closed:
    case errc::forked:
    case errc::name_not_found:
    case errc::name_lookup_failed:
    case errc::end_of_stream:
    case errc::authentication_refused:
    case errc::rejected:
    case errc::unknown: break;
    }
    return std::errc{};
}

class category final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "serverlink"; }

    [[nodiscard]] std::string message(int code) const override
    {
        return joined({name_of(static_cast<errc>(code))});
    }

    [[nodiscard]] std::error_condition default_error_condition(int code) const noexcept override
    {
        const std::errc standard = standard_equivalent(static_cast<errc>(code));
        return standard != std::errc{} ? std::make_error_condition(standard)
                                       : std::error_condition(code, *this);
    }
};

} // namespace

const std::error_category& error_category() noexcept
{
    static const category instance;
    return instance;
}

std::error_code make_error_code(errc code) noexcept
{
    return {static_cast<int>(code), error_category()};
}

} // namespace slk
