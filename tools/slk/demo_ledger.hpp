// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_DEMO_LEDGER_HPP
#define SLK_TOOL_DEMO_LEDGER_HPP

/// Accounts for the numbered messages of one link: which were queued, which arrived, and which may
/// be lost.

#include <cstdint>
#include <vector>

namespace slk::tool {

struct demo_verdict {
    std::uint64_t queued = 0;
    std::uint64_t arrived = 0; ///< different ones
    /// Passed to a connection that broke before the listener had received them.
    std::uint64_t lost = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t out_of_order = 0;
    /// Neither arrived nor lost with a connection. There should be none.
    std::uint64_t missing = 0;

    [[nodiscard]] bool complete() const noexcept
    {
        return duplicated == 0 && out_of_order == 0 && missing == 0;
    }
};

class demo_ledger {
public:
    /// The number of the next message: 1, 2, 3, ...
    [[nodiscard]] std::uint64_t next() const noexcept { return queued_ + 1; }
    /// The socket has queued the next message.
    void queue() noexcept { ++queued_; }
    /// The message has arrived at the listener.
    void arrive(std::uint64_t number) { arrivals_.push_back(number); }
    /// The connection broke when `passed` messages had been passed to connections since the
    /// beginning: the last ones of them may not have arrived.
    void connection_lost(std::uint64_t passed) { breaks_.push_back(passed); }

    [[nodiscard]] bool all_arrived() const noexcept
    {
        return queued_ == 0 || (!arrivals_.empty() && arrivals_.back() == queued_);
    }
    [[nodiscard]] demo_verdict judge() const;

private:
    std::uint64_t queued_ = 0;
    std::vector<std::uint64_t> arrivals_;
    std::vector<std::uint64_t> breaks_;
};

} // namespace slk::tool

#endif
