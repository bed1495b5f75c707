// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_RESOLVER_HPP
#define SLK_LINK_RESOLVER_HPP

/// Name lookups off the loop's thread: a few threads call the system's resolver, which may block
/// for many seconds, and the result comes back as a task on the loop.
///
/// Requests for the same host and port that wait or run at the same time share one lookup, so that
/// a slow name occupies one thread however many links look it up.

#include <serverlink/address.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/result.hpp>

#include "base/list.hpp"
#include "io/loop_core.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace slk::link_detail {

/// One request, embedded in its owner. Used on the loop's thread only.
class lookup_request : public list_node {
public:
    using completion = void (*)(lookup_request& self, result<std::vector<address>> found) noexcept;

    lookup_request() = default;
    lookup_request(const lookup_request&) = delete;
    lookup_request& operator=(const lookup_request&) = delete;

    [[nodiscard]] bool in_flight() const noexcept { return in_flight_; }

    /// Called exactly once for each resolve(), on the loop's thread, never from inside resolve() or
    /// cancel().
    completion on_complete = nullptr;
    void* owner = nullptr;

private:
    friend class resolver;
    io::task failed_;
    error failure_{}; ///< for failed_
    bool in_flight_ = false;
};

/// A lookup under way and the requests that wait for it. On the loop's thread.
struct lookup : list_node {
    std::uint64_t number = 0;
    std::string host;
    std::uint16_t port = 0;
    list<lookup_request> waiting;
};

class resolver final {
public:
    explicit resolver(io::loop_core& loop) noexcept;
    ~resolver();
    /// Before anything else. Returns false when memory is exhausted.
    [[nodiscard]] bool open() noexcept;

    /// Errors of the request: those of the lookup, out_of_memory.
    void resolve(lookup_request& request, const std::string& host, std::uint16_t port);
    /// The request completes with errc::cancelled soon. The thread that works on it goes on, and
    /// its result is dropped.
    void cancel(lookup_request& request);

    /// Cancels every request. Later requests are cancelled too.
    void close() noexcept;

private:
    struct shared;

    void deliver_answers() noexcept;
    void fail_soon(lookup_request& request, const error& reason) noexcept;

    io::loop_core& loop_;
    std::shared_ptr<shared> shared_;
    io::task answers_;
    list<lookup> running_;
};

} // namespace slk::link_detail

#endif
