// SPDX-License-Identifier: MPL-2.0
#include "messaging/observe/endpoint_log.hpp"

#include "base/try_allocate.hpp"
#include "messaging/pipe/pipe.hpp"

#include <new>
#include <utility>

namespace slk::messaging {

result<reference<endpoint_log>> endpoint_log::create(std::uint64_t number, reference<inbox> owner,
                                                     phase at)
{
    auto made = reference<endpoint_log>::adopt(new (std::nothrow) endpoint_log(
        number, std::move(owner),
        at == phase::bind ? endpoint_kind::bound : endpoint_kind::connected));
    if (!made)
        return fail(errc::out_of_memory, at);
    return made;
}

endpoint_log::endpoint_log(std::uint64_t its_number, reference<inbox> owner,
                           endpoint_kind kind) noexcept
    : number(its_number), owner_(std::move(owner))
{
    record_.kind = kind;
    record_.number = number;
}

endpoint_log::~endpoint_log()
{
    owner_->registry().remove(record_);
}

bool endpoint_log::set_text(std::string_view endpoint) noexcept
{
    record_.text = shared_text::create(endpoint);
    if (!record_.text)
        return false;
    owner_->registry().add(record_);
    return true;
}

void endpoint_log::handshake_failed(const error& why, std::uint64_t connection, const address& peer,
                                    std::string_view text) noexcept
{
    count_failure(why);
    event_kind kind = event_kind::handshake_failed_no_detail;
    counter* counted = &record_.handshakes_failed_no_detail;
    if (why == errc::authentication_refused) {
        kind = event_kind::handshake_failed_auth;
        counted = &record_.handshakes_failed_auth;
    } else if (why == errc::protocol_error) {
        kind = event_kind::handshake_failed_protocol;
        counted = &record_.handshakes_failed_protocol;
    }
    counted->add(1);
    emit(kind, [&](slk::event& made) {
        made.connection = connection;
        made.address = peer;
        made.reason = why;
        return try_assign(made.text, text);
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
