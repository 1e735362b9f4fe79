// The object behind fastnn_network, and how its functions answer exceptions.
#ifndef FASTNN_CAPI_NETWORK_H
#define FASTNN_CAPI_NETWORK_H

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "fastnn/network.h"
#include "model/failure.h"
#include "model/model.h"

struct fastnn_network final : fastnn::Model {
    using Model::Model;
};

namespace fastnn {
namespace capi {

// The status of the exception that is being handled.
fastnn_status status_of_exception() noexcept;

template <class F>
fastnn_status guarded(const F& f) noexcept {
    try {
        f();
        return FASTNN_OK;
    } catch (...) {
        return status_of_exception();
    }
}

// A structure of the caller's version into this one's: later versions only append, and what they append is 0 unless it
// is used.
template <class Struct>
bool take(const void* from, std::size_t bytes, Struct& to) {
    if (bytes < sizeof to) return false;
    std::memcpy(&to, from, sizeof to);
    const auto* const rest = static_cast<const unsigned char*>(from);
    return std::all_of(rest + sizeof to, rest + bytes, [](unsigned char byte) { return byte == 0; });
}

}  // namespace capi
}  // namespace fastnn

#endif
