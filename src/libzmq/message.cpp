// SPDX-License-Identifier: MPL-2.0

// Messages: zmq_msg_t and its functions.

#include "libzmq/message.hpp"

#include "base/message_access.hpp"
#include "libzmq/errors.hpp"

#include <new>
#include <string>

namespace slk::libzmq {

using message_detail::owned_memory;

namespace {

/// Memory of the caller's that its function frees.
struct adopted_memory final : shared_memory {
    void* data = nullptr;
    zmq_free_fn* free = nullptr;
    void* hint = nullptr;
};

void free_adopted(shared_memory* self) noexcept
{
    auto* const adopted = static_cast<adopted_memory*>(self);
    void* const data = adopted->data;
    zmq_free_fn* const free = adopted->free;
    void* const hint = adopted->hint;
    // The function may call the library again.
    delete adopted;
    free(data, hint);
}

} // namespace

bool part::init_size(std::size_t wanted) noexcept
{
    init();
    if (wanted <= max_inline) {
        size = static_cast<std::uint8_t>(wanted);
        return true;
    }
    owned_memory* const owner = owned_memory::create(wanted);
    if (owner == nullptr)
        return false;
    init_view(owner->bytes(), wanted, owner);
    return true;
}

void part::share(part& other) noexcept
{
    *this = other;
    if (is_view()) {
        if (view.owner != nullptr)
            view.owner->retain();
        shared = other.shared = true;
    }
    if (origin != nullptr)
        origin->retain();
}

bool part::refill(std::span<const std::byte> from, shared_memory* owner) noexcept
{
    if (owner == nullptr && from.size() > max_inline && may_use_block()) {
        std::memcpy(const_cast<std::byte*>(view.data), from.data(), from.size());
        view.size = from.size();
        shared = false;
        return true;
    }
    message_origin* const kept = origin;
    origin = nullptr;
    release();
    if (owner != nullptr) {
        init_view(from.data(), from.size(), owner);
        origin = kept;
        return true;
    }
    // All blocks have the same size, so that the next body fits.
    const bool made = init_size(from.size() > max_inline ? message::inline_capacity : from.size());
    origin = kept;
    if (!made)
        return false;
    if (!from.empty())
        std::memcpy(const_cast<std::byte*>(content().data()), from.data(), from.size());
    if (is_view()) {
        view.size = from.size();
        has_block = true;
    }
    return true;
}

} // namespace slk::libzmq

using slk::libzmq::fail;
using slk::libzmq::part;

int zmq_msg_init(zmq_msg_t* msg)
{
    if (msg == nullptr)
        return fail(EFAULT);
    part::of(msg).init();
    return 0;
}

int zmq_msg_init_size(zmq_msg_t* msg, size_t size)
{
    if (msg == nullptr)
        return fail(EFAULT);
    return part::of(msg).init_size(size) ? 0 : fail(ENOMEM);
}

int zmq_msg_init_data(zmq_msg_t* msg, void* data, size_t size, zmq_free_fn* ffn, void* hint)
{
    using namespace slk::libzmq;
    if (msg == nullptr)
        return fail(EFAULT);
    auto* const bytes = static_cast<const std::byte*>(data);
    if (ffn == nullptr) {
        part::of(msg).init_view(bytes, size, nullptr);
        return 0;
    }
    auto* const adopted = new (std::nothrow) adopted_memory;
    if (adopted == nullptr)
        return fail(ENOMEM);
    adopted->dispose = free_adopted;
    adopted->data = data;
    adopted->free = ffn;
    adopted->hint = hint;
    part::of(msg).init_view(bytes, size, adopted);
    return 0;
}

int zmq_msg_close(zmq_msg_t* msg)
{
    if (!part::is_at(msg))
        return fail(EFAULT);
    part::of(msg).release();
    return 0;
}

int zmq_msg_move(zmq_msg_t* dest, zmq_msg_t* src)
{
    if (!part::is_at(src) || !part::is_at(dest))
        return fail(EFAULT);
    if (dest == src)
        return 0;
    part& from = part::of(src);
    part& to = part::of(dest);
    to.release();
    to.take(from);
    return 0;
}

int zmq_msg_copy(zmq_msg_t* dest, zmq_msg_t* src)
{
    if (!part::is_at(src) || !part::is_at(dest))
        return fail(EFAULT);
    if (dest == src)
        return 0;
    part& from = part::of(src);
    part& to = part::of(dest);
    to.release();
    to.share(from);
    return 0;
}

void* zmq_msg_data(zmq_msg_t* msg)
{
    if (msg == nullptr)
        return nullptr;
    // The bytes of a received part are this message's alone.
    return const_cast<std::byte*>(part::of(msg).content().data());
}

size_t zmq_msg_size(const zmq_msg_t* msg)
{
    return msg != nullptr ? part::of(msg).content().size() : 0;
}

int zmq_msg_more(const zmq_msg_t* msg)
{
    return zmq_msg_get(msg, ZMQ_MORE);
}

int zmq_msg_get(const zmq_msg_t* msg, int property)
{
    if (!part::is_at(msg))
        return fail(EFAULT);
    const part& from = part::of(msg);
    switch (property) {
    case ZMQ_MORE: return from.more ? 1 : 0;
    case ZMQ_SRCFD: return from.origin != nullptr ? from.origin->descriptor : fail(EINVAL);
    case ZMQ_SHARED: return from.shared || (from.is_view() && from.view.owner == nullptr) ? 1 : 0;
    default: return fail(EINVAL);
    }
}

int zmq_msg_set(zmq_msg_t*, int, int)
{
    return fail(EINVAL);
}

const char* zmq_msg_gets(const zmq_msg_t* msg, const char* property)
{
    const slk::message_origin* const from = part::is_at(msg) ? part::of(msg).origin : nullptr;
    const std::string* found = nullptr;
    if (from != nullptr && property != nullptr)
        found = from->find(property);
    return found != nullptr ? found->c_str() : slk::libzmq::fail_null(EINVAL);
}
