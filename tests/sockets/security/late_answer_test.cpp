// SPDX-License-Identifier: MPL-2.0

// Answers of another thread.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

/// A thread that accepts everybody that it is told of.
class accepting_thread {
public:
    accepting_thread() : thread_([this] { run(); }) {}
    accepting_thread(const accepting_thread&) = delete;
    accepting_thread& operator=(const accepting_thread&) = delete;
    ~accepting_thread()
    {
        ends_ = true;
        thread_.join();
    }

    [[nodiscard]] authenticator_function authenticator()
    {
        return [this](const authentication_request& who) {
            const std::lock_guard lock(guard_);
            waiting_.push_back({who.answer_later(), std::string(who.user)});
            return std::nullopt;
        };
    }

private:
    struct one {
        pending_authentication asked;
        std::string user;
    };

    void run()
    {
        while (!ends_) {
            std::vector<one> all;
            {
                const std::lock_guard lock(guard_);
                all.swap(waiting_);
            }
            for (one& each : all)
                (void)each.asked.answer({authentication_answer::accepted, "late " + each.user});
            std::this_thread::yield();
        }
    }

    std::mutex guard_;
    std::vector<one> waiting_; ///< guarded
    std::atomic<bool> ends_{false};
    std::thread thread_;
};

push_options options_of_pusher(const std::string& user)
{
    push_options made = reconnect_at_once(push_options{});
    made.security.mechanism = security_mechanism::plain_client;
    made.security.own = {user, "secret"};
    return made;
}

pull_options options_of_puller(accepting_thread& by)
{
    pull_options made;
    made.security.mechanism = security_mechanism::plain_server;
    made.security.authenticator = by.authenticator();
    return made;
}

} // namespace

TEST_CASE("another thread answers for many peers")
{
    accepting_thread by;
    for (const int threads : {1, 2}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto to = new_socket<pull>(in, options_of_puller(by));
        const std::string at = must(to.bind(any_tcp));
        std::vector<push> all;
        for (int number = 0; number < 20; ++number) {
            all.push_back(new_socket<push>(in, options_of_pusher(std::to_string(number))));
            must(all.back().connect(at));
            must(all.back().send("hello", test_timeout));
        }
        for (int number = 0; number < 20; ++number)
            CHECK(receive_text(to) == "hello");
        for (const peer_status& each : to.peers())
            CHECK(each.user.starts_with("late "));
    }
}

TEST_CASE("another thread answers while connections, sockets and contexts end")
{
    accepting_thread by;
    for (int round = 0; round < 40; ++round) {
        auto in = new_context(1);
        std::optional<pull> to{new_socket<pull>(in, options_of_puller(by))};
        const std::string at = must(to->bind(any_tcp));
        std::vector<push> all;
        for (int number = 0; number < 5; ++number) {
            all.push_back(new_socket<push>(in, options_of_pusher("ann")));
            must(all.back().connect(at));
        }
        if (round % 4 == 0)
            (void)to->wait_ready(test_timeout);
        else if (round % 4 == 1)
            all.clear();
        else if (round % 4 == 2)
            to.reset();
        else
            in.shutdown();
    }
}
