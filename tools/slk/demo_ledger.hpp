// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_DEMO_LEDGER_HPP
#define SLK_TOOL_DEMO_LEDGER_HPP

/// Book is kept of the numbered messages of one link: which were promised, which arrived, and
/// which may be lost.

#include <cstdint>
#include <vector>

namespace slk::tool {

struct demo_verdict {
    std::uint64_t promised = 0;
    std::uint64_t arrived = 0; ///< different ones
    /// Taken by a connection that broke before the listener had received them.
    std::uint64_t taken = 0;
    std::uint64_t twice = 0;
    std::uint64_t out_of_order = 0;
    /// Neither arrived, nor taken. There should be none.
    std::uint64_t missing = 0;

    [[nodiscard]] bool kept() const noexcept
    {
        return twice == 0 && out_of_order == 0 && missing == 0;
    }
};

class demo_ledger {
public:
    /// The number of the next message: 1, 2, 3, ...
    [[nodiscard]] std::uint64_t next() const noexcept { return promised_ + 1; }
    /// The socket has queued it.
    void promise() noexcept { ++promised_; }
    /// It is at the listener.
    void arrive(std::uint64_t number) { arrivals_.push_back(number); }
    /// The connection broke when that many messages had been taken since the beginning: of those,
    /// the last ones may not have arrived.
    void broke(std::uint64_t taken) { breaks_.push_back(taken); }

    [[nodiscard]] bool all_arrived() const noexcept
    {
        return promised_ == 0 || (!arrivals_.empty() && arrivals_.back() == promised_);
    }
    [[nodiscard]] demo_verdict judge() const;

private:
    std::uint64_t promised_ = 0;
    std::vector<std::uint64_t> arrivals_;
    std::vector<std::uint64_t> breaks_;
};

} // namespace slk::tool

#endif
