// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_BINDING_HPP
#define SLK_MESSAGING_BINDING_HPP

/// A binding: one bound endpoint, on its loop: a listener, and the sessions of those who came.

#include <serverlink/listener.hpp>

#include "base/list.hpp"
#include "messaging/session.hpp"

#include <functional>
#include <memory>

namespace slk::messaging {

/// All of it on the loop's thread, except where it says otherwise.
class binding final : public ref_counted<binding> {
public:
    binding(std::shared_ptr<carrier> on, std::shared_ptr<const session_settings> settings,
            reference<mailbox> owner, std::uint64_t number) noexcept
        : on_(std::move(on)), settings_(std::move(settings)), owner_(std::move(owner)),
          number_(number)
    {
    }

    [[nodiscard]] const std::shared_ptr<carrier>& on() const noexcept { return on_; }

    result<void> open(const endpoint& at);
    [[nodiscard]] const listener& listens() const noexcept { return *listener_; }
    /// Nobody else comes in: the port is free on return.
    void stop_listening() noexcept { listener_.reset(); }
    /// Ends all sessions, as session::close(); `done` is called when the last one has ended.
    void close(duration timeout, std::function<void()> done);

private:
    friend class ref_counted<binding>;
    ~binding() = default;

    struct guest final : list_node, session_observer {
        guest(binding& of, reference<session> who) noexcept : host(of), visits(std::move(who)) {}

        void session_ready() noexcept override;
        void session_lost(const error& reason) noexcept override;

        binding& host;
        reference<session> visits;
        bool was_ready = false;
    };

    void accept(stream connection);
    void leave(guest& who) noexcept;

    const std::shared_ptr<carrier> on_;
    const std::shared_ptr<const session_settings> settings_;
    const reference<mailbox> owner_;
    const std::uint64_t number_;
    std::optional<listener> listener_;
    list<guest> guests_;
    std::uint32_t half_open_ = 0;
};

} // namespace slk::messaging

#endif
