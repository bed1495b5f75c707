// SPDX-License-Identifier: MPL-2.0
#include <serverlink/proxy.hpp>

#include "capi/handles.hpp"

using namespace slk::capi;

int slk_proxy(void* frontend, void* backend, void* capture)
{
    return slk_proxy_steerable(frontend, backend, capture, nullptr);
}

int slk_proxy_steerable(void* frontend, void* backend, void* capture, void* control)
{
    const auto handle = [](void* of) { return static_cast<slk_socket_t*>(of); };
    const socket_call front(handle(frontend)), back(handle(backend));
    if (front.code() != 0 || back.code() != 0)
        return fail_with(front.code() != 0 ? front.code() : back.code());
    std::optional<socket_call> captures, controls;
    for (const auto& [from, into] : {std::pair(capture, &captures), std::pair(control, &controls)})
        if (from != nullptr)
            if (const int wrong = into->emplace(handle(from)).code(); wrong != 0)
                return fail_with(wrong);
    slk::proxy_options options;
    options.capture = captures ? &captures->socket() : nullptr;
    options.wait_for_capture = true;
    options.control = controls ? &controls->socket() : nullptr;
    auto between = slk::proxy::create(front.socket(), back.socket(), options);
    if (!between)
        return fail_with(code_of(between.error()));
    return answer(between->run());
}
