// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONTEXT_IO_LOOP_HPP
#define SLK_MESSAGING_CONTEXT_IO_LOOP_HPP

/// One loop of a context, and what its connections share.

#include <serverlink/loop.hpp>

#include "base/list.hpp"
#include "io/loop_core.hpp"
#include "lane/chunk.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace slk::messaging {

class context_core;

/// An endpoint whose socket has given it up, and whose messages are still being sent.
struct departing_endpoint : list_node {
    /// Sends nothing more. It may be gone on return.
    virtual void end_departure() noexcept = 0;

protected:
    ~departing_endpoint() = default;
};

struct io_loop {
    /// A loop of the context's own.
    io_loop(slk::loop made, bool run_by_caller,
            const std::shared_ptr<memory_budget>& budget) noexcept
        : own(std::move(made)), loop(&*own), core(own->core()), by_caller(run_by_caller),
          pools(budget)
    {
    }
    /// A loop of the user's.
    io_loop(slk::loop& of_user, const std::shared_ptr<memory_budget>& budget) noexcept
        : loop(&of_user), core(of_user.core()), by_caller(true), pools(budget)
    {
    }

    /// Does `work` on the loop's thread, and returns when it has been done. False: the loop is
    /// closed, and the work was not done. Any thread, but not while it holds
    /// anything that the loop waits for.
    template <class Work>
    bool perform(Work&& work) const
    {
        using body = std::remove_reference_t<Work>;
        return perform([](void* argument) { (*static_cast<body*>(argument))(); },
                       const_cast<void*>(static_cast<const void*>(std::addressof(work))));
    }
    bool perform(void (*work)(void* argument), void* argument) const;

    std::weak_ptr<context_core> context; ///< that it is one of
    std::optional<slk::loop> own;
    slk::loop* loop;
    std::shared_ptr<io::loop_core> core;
    const bool by_caller;    ///< the thread that uses a socket may have to run the loop
    lane::chunk_pools pools; ///< for the loop's thread
    list<departing_endpoint> departing; ///< for the loop's thread
    std::mutex reason_guard; ///< of its connections' request_reason_; held for an assignment only
};

} // namespace slk::messaging

#endif
