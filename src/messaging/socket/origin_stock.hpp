// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_ORIGIN_STOCK_HPP
#define SLK_MESSAGING_SOCKET_ORIGIN_STOCK_HPP

/// The origin of the message that was received last, with a stock of references for messages: while
/// they come from one peer, few of them need an atomic operation.

#include "base/message_origin.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace slk::messaging {

/// For the socket's thread.
class origin_stock {
public:
    origin_stock() noexcept = default;
    origin_stock(const origin_stock&) = delete;
    origin_stock& operator=(const origin_stock&) = delete;
    ~origin_stock() { drop(); }

    /// Null: it is not known.
    void set(message_origin* next) noexcept
    {
        if (next == of_)
            return;
        drop();
        of_ = next;
        if (next != nullptr)
            next->retain();
        batch_ = 1;
    }
    /// One reference is the caller's; or null. `before`: a reference that it gives back, or null.
    [[nodiscard]] message_origin* take(message_detail::shared_memory* before) noexcept
    {
        if (before != nullptr) {
            if (before == of_)
                return of_;
            before->release();
        }
        if (of_ == nullptr)
            return nullptr;
        if (stock_ == 0) {
            of_->users.fetch_add(batch_, std::memory_order_relaxed);
            stock_ = batch_;
            batch_ = std::min(batch_ * 2, max_batch);
        }
        --stock_;
        return of_;
    }

private:
    static constexpr std::uint32_t max_batch = 256;

    void drop() noexcept
    {
        if (of_ == nullptr)
            return;
        of_->users.fetch_sub(stock_, std::memory_order_acq_rel); // one is left
        stock_ = 0;
        of_->release();
        of_ = nullptr;
    }

    message_origin* of_ = nullptr;
    std::uint32_t stock_ = 0;
    std::uint32_t batch_ = 1; ///< the next time
};

} // namespace slk::messaging

#endif
