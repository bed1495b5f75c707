// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_OBSERVE_ENDPOINT_LOG_HPP
#define SLK_MESSAGING_OBSERVE_ENDPOINT_LOG_HPP

/// What the link, the listener and the connections of one endpoint report: the handshakes that
/// failed, as a count and the latest reason, which wakes nobody and allocates nothing; and events,
/// for the event streams of the socket.

#include <serverlink/address.hpp>
#include <serverlink/error.hpp>

#include "base/ref_counted.hpp"
#include "base/reference.hpp"
#include "base/try_allocate.hpp"
#include "messaging/observe/inbox.hpp"

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace slk::messaging {

/// For any thread.
class endpoint_log final : public ref_counted<endpoint_log> {
public:
    /// Errors: out_of_memory.
    [[nodiscard]] static result<reference<endpoint_log>> create(std::uint64_t number,
                                                                reference<inbox> owner, phase at);

    struct failures {
        std::uint64_t count = 0;
        error latest{};
    };

    /// Before anything is reported. Returns false when memory is exhausted.
    [[nodiscard]] bool set_text(std::string_view endpoint) noexcept;
    /// Its numbers.
    [[nodiscard]] endpoint_record& record() noexcept { return record_; }
    [[nodiscard]] metrics_registry& registry() noexcept { return owner_->registry(); }

    /// Counts a connection that was not let in, or for which there was no memory.
    void count_failure(const error& why) noexcept;
    /// Counts and reports a handshake that failed. `connection`: its number, or 0 for inproc.
    /// `text`: see slk::event.
    void handshake_failed(const error& why, std::uint64_t connection = 0, const address& peer = {},
                          std::string_view text = {}) noexcept;
    [[nodiscard]] failures handshake_failures() const noexcept;
    [[nodiscard]] event_source& events() noexcept { return owner_->events(); }
    /// Reports an event of this endpoint: event_source::emit().
    template <class Fill>
    void emit(event_kind kind, Fill&& fill) noexcept
    {
        const std::string_view text = record_.text ? record_.text->text() : std::string_view();
        owner_->events().emit(kind, text, fill);
    }

    const std::uint64_t number; ///< of the endpoint

private:
    friend class ref_counted<endpoint_log>;
    endpoint_log(std::uint64_t its_number, reference<inbox> owner, endpoint_kind kind) noexcept;
    ~endpoint_log();

    const reference<inbox> owner_;
    endpoint_record record_;
    mutable std::mutex guard_; ///< held for an assignment only
    failures failures_; ///< guarded
};

} // namespace slk::messaging

#endif
