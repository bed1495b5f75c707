// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_LANE_LANE_RIG_HPP
#define SLK_TESTS_LANE_LANE_RIG_HPP

/// An open lane, bytes for it, and bodies that count their releases.

#include "lane/lane.hpp"

#include "base/message_access.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <string_view>

namespace slk::testing {

struct open_lane {
    open_lane() { REQUIRE(lane.open(pools)); }

    lane::chunk_pools pools;
    lane::lane lane;
};

/// Memory that counts how often it was released.
class lent_memory {
public:
    explicit lent_memory(std::string text) : text_(std::move(text)) {}
    lent_memory(const lent_memory&) = delete;
    lent_memory& operator=(const lent_memory&) = delete;

    [[nodiscard]] message lend()
    {
        ++lent_;
        auto made = message::adopt(
            std::as_bytes(std::span(text_)),
            [](std::span<const std::byte> bytes, void* hint) {
                auto& self = *static_cast<lent_memory*>(hint);
                self.wrong_ = self.wrong_ ||
                              bytes.data() != std::as_bytes(std::span(self.text_)).data() ||
                              bytes.size() != self.text_.size();
                self.released_.fetch_add(1, std::memory_order_relaxed);
            },
            this);
        REQUIRE(made);
        return std::move(*made);
    }
    /// Every message that was lent was released once.
    [[nodiscard]] bool is_back() const noexcept { return !wrong_ && released() == lent_; }
    [[nodiscard]] int released() const noexcept { return released_.load(); }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
    int lent_ = 0;
    std::atomic<bool> wrong_{false};
    std::atomic<int> released_{0};
};

/// Commits bytes.
inline void put(lane::lane& into, std::string_view text)
{
    std::byte* const to = into.reserve(text.size());
    REQUIRE(to != nullptr);
    std::memcpy(to, text.data(), text.size());
    into.commit(text.size());
}

/// Commits bytes, and a body behind them.
inline void put(lane::lane& into, std::string_view text, const message& body)
{
    std::byte* const to = into.reserve(text.size(), true);
    REQUIRE(to != nullptr);
    std::memcpy(to, text.data(), text.size());
    into.commit(text.size());
    auto* const owner = message_detail::access::owner_of(body);
    owner->retain();
    into.splice(body.data(), body.size(), owner);
}

inline std::string text_of(std::span<const std::byte> bytes)
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads all that was published.
inline std::string take(lane::lane& from)
{
    std::string all;
    while (from.readable()) {
        lane::cursor& at = from.head();
        if (const auto run = at.run(); !run.empty()) {
            all += text_of(run);
            at.skip_bytes(run.size());
            continue;
        }
        lane::external& body = *at.here();
        all += text_of({body.data, body.size});
        from.take_body(body)->release();
        at.skip_external();
    }
    return all;
}

} // namespace slk::testing

#endif
