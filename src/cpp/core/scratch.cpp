#include "scratch.h"

#include <algorithm>

namespace fastnn {
namespace {

constexpr std::size_t kAlignment = 64;
// A fresh block costs a page fault every 4 KiB (about 0.1 us each), so even large ones are kept, up to this many
// bytes a thread. What does not fit goes back to the system.
constexpr std::size_t kKeptBytes = std::size_t{64} << 20;
// More than the scratch buffers any call holds at once.
constexpr int kSlots = 8;

// Trivially destructible, so it may still be used (and then caches nothing) when the thread is being torn down.
struct Cache {
    ScratchBlock free[kSlots];
    int count;
    std::size_t bytes;
    bool closed;
    char* lent;  // the rest of a lent block, or null
    char* lent_end;
};
thread_local Cache cache = {};

ScratchBlock take_of_lent(std::size_t bytes) {
    const std::size_t left = static_cast<std::size_t>(cache.lent_end - cache.lent);
    const std::size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    if (rounded > left) throw std::bad_alloc();
    const ScratchBlock block = {cache.lent, rounded};
    cache.lent += rounded;
    return block;
}

void release(ScratchBlock block) noexcept { ::operator delete (block.data, std::align_val_t{kAlignment}); }

ScratchBlock remove(int slot) {
    ScratchBlock block = cache.free[slot];
    cache.free[slot] = cache.free[--cache.count];
    cache.bytes -= block.bytes;
    return block;
}

int smallest_slot() {
    int smallest = 0;
    for (int i = 1; i < cache.count; ++i) {
        if (cache.free[i].bytes < cache.free[smallest].bytes) smallest = i;
    }
    return smallest;
}

struct Closer {
    ~Closer() {
        cache.closed = true;
        while (cache.count > 0) release(remove(0));
    }
    void touch() const {}
};
thread_local const Closer closer;

}  // namespace

ScratchBlock take_scratch(std::size_t bytes) {
    if (cache.lent != nullptr) return take_of_lent(bytes);
    int best = -1;
    for (int i = 0; i < cache.count; ++i) {
        if (cache.free[i].bytes >= bytes && (best < 0 || cache.free[i].bytes < cache.free[best].bytes)) best = i;
    }
    if (best >= 0) return remove(best);
    const std::size_t rounded = std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
    return {::operator new (rounded, std::align_val_t{kAlignment}), rounded};
}

void give_scratch_back(ScratchBlock block) noexcept {
    if (cache.lent != nullptr) {
        cache.lent = static_cast<char*>(block.data);
        return;
    }
    if (cache.closed || block.bytes > kKeptBytes) {
        release(block);
        return;
    }
    closer.touch();  // the first use in a thread registers the destructor
    // The smallest blocks make room: calls that outgrew them would never take them again.
    while (cache.count == kSlots || (cache.count > 0 && cache.bytes + block.bytes > kKeptBytes)) {
        release(remove(smallest_slot()));
    }
    cache.free[cache.count++] = block;
    cache.bytes += block.bytes;
}

LentScratch::LentScratch(void* data, std::size_t bytes) noexcept {
    alignas(kAlignment) static char nothing[kAlignment];
    cache.lent = data != nullptr ? static_cast<char*>(data) : nothing;
    cache.lent_end = cache.lent + bytes;
}

LentScratch::~LentScratch() { cache.lent = nullptr; }

std::size_t cached_scratch_bytes() noexcept { return cache.bytes; }

}  // namespace fastnn
