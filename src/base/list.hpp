// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_LIST_HPP
#define SLK_BASE_LIST_HPP

/// An intrusive doubly linked list: pushing and removing allocate nothing and take constant time,
/// and an element can leave without knowing its list.

namespace slk {

struct list_node {
    list_node* previous = nullptr;
    list_node* next = nullptr;

    [[nodiscard]] bool linked() const noexcept { return next != nullptr; }

    void unlink() noexcept
    {
        previous->next = next;
        next->previous = previous;
        previous = nullptr;
        next = nullptr;
    }
};

/// A circular list around a sentinel. The list must not move while it holds elements.
template <class T>
class list {
public:
    list() noexcept { reset(); }
    list(const list&) = delete;
    list& operator=(const list&) = delete;

    [[nodiscard]] bool empty() const noexcept { return head_.next == &head_; }
    [[nodiscard]] T& front() const noexcept { return static_cast<T&>(*head_.next); }
    [[nodiscard]] T& back() const noexcept { return static_cast<T&>(*head_.previous); }

    /// Calls visit(element) for each element, in order; visit may unlink that element.
    template <class Visit>
    void for_each(Visit&& visit)
    {
        for (list_node* node = head_.next; node != &head_;) {
            list_node* following = node->next;
            visit(static_cast<T&>(*node));
            node = following;
        }
    }

    /// Returns the first element for which `is` returns true, or null.
    template <class Is>
    [[nodiscard]] T* find(Is&& is) const
    {
        for (list_node* node = head_.next; node != &head_; node = node->next)
            if (T& each = static_cast<T&>(*node); is(each))
                return &each;
        return nullptr;
    }

    void push_back(T& element) noexcept
    {
        list_node& node = element;
        node.previous = head_.previous;
        node.next = &head_;
        head_.previous->next = &node;
        head_.previous = &node;
    }

    T& pop_front() noexcept
    {
        T& first = front();
        static_cast<list_node&>(first).unlink();
        return first;
    }

    /// Moves all elements of `other` to the end of this list.
    void take(list& other) noexcept
    {
        if (other.empty())
            return;
        other.head_.next->previous = head_.previous;
        head_.previous->next = other.head_.next;
        other.head_.previous->next = &head_;
        head_.previous = other.head_.previous;
        other.reset();
    }

private:
    void reset() noexcept
    {
        head_.next = &head_;
        head_.previous = &head_;
    }

    list_node head_;
};

} // namespace slk

#endif
