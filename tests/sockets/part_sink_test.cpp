// SPDX-License-Identifier: MPL-2.0

// Parts that are received without becoming messages.

#include <serverlink/serverlink.hpp>

#include "base/part_sink.hpp"
#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

class keeper final : public message_detail::part_sink {
public:
    ~keeper() { forget(); }
    [[nodiscard]] std::string text() const
    {
        return owner_ != nullptr
                   ? std::string(reinterpret_cast<const char*>(body_.data()), body_.size())
                   : copied_;
    }
    [[nodiscard]] bool keeps() const noexcept { return owner_ != nullptr; }

private:
    void forget() noexcept
    {
        if (owner_ != nullptr)
            owner_->release();
    }
    void keep(std::span<const std::byte> body,
              message_detail::shared_memory* owner) noexcept override
    {
        forget();
        owner_ = owner;
        body_ = body;
        if (owner == nullptr)
            copied_.assign(reinterpret_cast<const char*>(body.data()), body.size());
    }

    message_detail::shared_memory* owner_ = nullptr;
    std::span<const std::byte> body_;
    std::string copied_;
};

} // namespace

TEST_CASE("a part that is received into a sink is copied, or keeps the memory that it lies in")
{
    const auto receives = [](frame_socket& from, keeper& into, std::string_view text, bool more) {
        must(from.receive_into(into, test_timeout));
        CHECK(into.text() == text);
        CHECK(into.size() == text.size());
        CHECK(into.more() == more);
        CHECK(from.is_receiving() == more);
        CHECK(into.keeps() == (text.size() > message::inline_capacity));
    };
    // A type whose pattern looks at messages, one that names peers, and one that does neither.
    for (const auto type :
         {slk::socket_type::pull, slk::socket_type::rep, slk::socket_type::router})
        for (const std::string_view endpoint : {"tcp://127.0.0.1:0", "inproc://sink"})
            for (const std::size_t size : {0U, 64U, 65U, 200'000U}) {
                CAPTURE(int(type));
                CAPTURE(endpoint);
                CAPTURE(size);
                const std::string content(size, 'x');
                const auto bytes = std::as_bytes(std::span(content));
                auto in = new_context();
                auto to = must(frame_socket::create(in, type));
                socket_options options;
                options.routing_id = "alice";
                auto from = must(
                    frame_socket::create(in,
                                         type == slk::socket_type::pull  ? slk::socket_type::push
                                         : type == slk::socket_type::rep ? slk::socket_type::req
                                                                         : slk::socket_type::dealer,
                                         options));
                const std::string at = must(to.bind(endpoint));
                must(from.connect(at));
                must(from.send(bytes, true));
                must(from.send(bytes, false));

                keeper into;
                if (type == slk::socket_type::router)
                    receives(to, into, "alice", true);
                receives(to, into, content, true);
                receives(to, into, content, false);
                if (type != slk::socket_type::rep)
                    CHECK(code_of(to.receive_into(into, no_wait)) == errc::would_block);
                CHECK(into.text() == content);
            }
}
