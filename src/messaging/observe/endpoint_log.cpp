// SPDX-License-Identifier: MPL-2.0
#include "messaging/observe/endpoint_log.hpp"

#include "messaging/pipe/pipe.hpp"

#include <new>
#include <utility>

namespace slk::messaging {

result<reference<endpoint_log>> endpoint_log::create(std::uint64_t number, reference<inbox> owner,
                                                     phase at)
{
    auto made =
        reference<endpoint_log>::adopt(new (std::nothrow) endpoint_log(number, std::move(owner)));
    if (!made)
        return fail(errc::out_of_memory, at);
    return made;
}

void endpoint_log::handshake_failed(const error& why, std::uint64_t connection,
                                    const address& peer) noexcept
{
    count_failure(why);
    const event_kind kind = why == errc::authentication_refused ? event_kind::handshake_failed_auth
                            : why == errc::protocol_error ? event_kind::handshake_failed_protocol
                                                          : event_kind::handshake_failed_no_detail;
    emit(kind, [&](slk::event& made) {
        made.connection = connection;
        made.address = peer;
        made.reason = why;
        return true;
    });
}

void endpoint_log::count_failure(const error& why) noexcept
{
    owner_->counters().handshake_failures.add(1);
    const std::lock_guard lock(guard_);
    ++failures_.count;
    failures_.latest = why;
}

endpoint_log::failures endpoint_log::handshake_failures() const noexcept
{
    const std::lock_guard lock(guard_);
    return failures_;
}

} // namespace slk::messaging
