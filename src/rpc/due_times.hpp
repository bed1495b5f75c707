// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_RPC_DUE_TIMES_HPP
#define SLK_RPC_DUE_TIMES_HPP

/// The requests of a client in the order in which something is due for them: a heap, in which each
/// knows its place.

#include "base/try_allocate.hpp"
#include "rpc/pending.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace slk::rpc {

class due_times {
public:
    /// Makes room for one more. Returns false when memory is exhausted.
    [[nodiscard]] bool reserve() noexcept { return try_reserve_more(heap_); }
    /// After reserve().
    void add(pending& of) noexcept
    {
        of.due_place = heap_.size();
        heap_.push_back(&of);
        rise(of.due_place);
    }
    void remove(pending& of) noexcept
    {
        const std::size_t hole = of.due_place;
        swap(hole, heap_.size() - 1);
        heap_.pop_back();
        of.due_place = SIZE_MAX;
        if (hole < heap_.size()) {
            rise(hole);
            sink(hole);
        }
    }
    /// After a change of its `due`.
    void move(pending& of) noexcept
    {
        rise(of.due_place);
        sink(of.due_place);
    }
    /// Null: there is none.
    [[nodiscard]] pending* first() const noexcept { return heap_.empty() ? nullptr : heap_[0]; }

private:
    void swap(std::size_t a, std::size_t b) noexcept
    {
        std::swap(heap_[a], heap_[b]);
        heap_[a]->due_place = a;
        heap_[b]->due_place = b;
    }
    void rise(std::size_t at) noexcept
    {
        for (; at > 0 && heap_[at]->due < heap_[(at - 1) / 2]->due; at = (at - 1) / 2)
            swap(at, (at - 1) / 2);
    }
    void sink(std::size_t at) noexcept
    {
        for (;;) {
            std::size_t least = at;
            for (std::size_t child = 2 * at + 1; child <= 2 * at + 2; ++child)
                if (child < heap_.size() && heap_[child]->due < heap_[least]->due)
                    least = child;
            if (least == at)
                return;
            swap(at, least);
            at = least;
        }
    }

    std::vector<pending*> heap_;
};

} // namespace slk::rpc

#endif
