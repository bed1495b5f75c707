// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_AUTHENTICATION_HPP
#define SLK_MESSAGING_CONNECTION_AUTHENTICATION_HPP

/// The authentication of one peer, while it lasts: joins a connection, which waits on its loop, and
/// the thread that answers. The first answer counts. One that comes after the connection has
/// ended is forgotten.

#include <serverlink/authentication.hpp>

#include "base/ref_counted.hpp"
#include "base/reference.hpp"
#include "io/loop_core.hpp"
#include "messaging/pipe/peer_properties.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace slk::messaging {

class connection;
class zap_request;

class authentication final : public ref_counted<authentication> {
public:
    /// `user`: of PLAIN. Null when memory is exhausted.
    [[nodiscard]] static reference<authentication> create(connection& asks,
                                                          const std::shared_ptr<io::loop_core>& on,
                                                          std::string_view user) noexcept;

    // --- any thread ---

    /// The connection gets the answer in a later turn of its loop. Returns false if nobody waits
    /// for it any more.
    bool answer(authentication_answer&& decision) noexcept;
    /// Nobody has answered yet, and the connection waits.
    [[nodiscard]] bool is_awaited() const noexcept
    {
        return waits_.load(std::memory_order_acquire) &&
               !answered_.load(std::memory_order_relaxed) && !is_closed();
    }

    // --- the loop's thread ---

    /// Another one answers later. Returns false if that was called before.
    [[nodiscard]] bool defer() noexcept { return !std::exchange(deferred_, true); }
    [[nodiscard]] bool deferred() const noexcept { return deferred_; }
    /// The connection answers for itself. Returns false if there is an answer already, which comes
    /// in a later turn.
    [[nodiscard]] bool claim() noexcept { return !answered_.exchange(true); }
    /// The ZAP handler answers later.
    void wait_for(reference<zap_request> reply) noexcept;
    /// The ZAP handler has answered, or there is no answer.
    void answered(authentication_answer&& decision) noexcept;
    void failed(const error& why) noexcept;
    /// The connection does not wait any more.
    void abandon() noexcept;

    /// Keeps what an accepted peer gets. Returns false when memory is exhausted.
    [[nodiscard]] bool keep(authentication_answer& decision) noexcept;
    [[nodiscard]] const reference<peer_properties>& kept() const noexcept { return kept_; }
    /// Why the peer was refused.
    void set_text(std::string&& reason) noexcept { text_ = std::move(reason); }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    friend class ref_counted<authentication>;
    authentication(connection& asks, const std::shared_ptr<io::loop_core>& on) noexcept;
    ~authentication();
    void deliver() noexcept;

    [[nodiscard]] bool is_closed() const noexcept
    {
        const auto on = on_.lock();
        return on == nullptr || on->closed();
    }

    const std::weak_ptr<io::loop_core> on_; ///< a handle that is kept does not keep the loop
    connection* asks_; ///< for the loop's thread; null: it does not wait any more
    std::atomic<bool> waits_{true};
    std::atomic<bool> answered_{false};
    bool deferred_ = false; ///< for the loop's thread
    std::string user_;
    io::task task_; ///< posted once
    authentication_answer decision_; ///< written before the task is posted
    reference<zap_request> reply_;
    reference<peer_properties> kept_;
    std::string text_;
};

} // namespace slk::messaging

#endif
