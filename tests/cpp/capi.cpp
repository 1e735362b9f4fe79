#include "capi.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

#include "allocations.h"
#include "golden_inputs.h"

namespace capi {
namespace {

constexpr unsigned char kGuard = 0xA5;
constexpr std::size_t kGuardBytes = 64;

// Bytes at a multiple of 64, between guards.
class Block {
   public:
    explicit Block(std::size_t bytes)
        : bytes_(bytes), memory_(new (std::align_val_t{64}) unsigned char[bytes + 2 * kGuardBytes]) {
        std::memset(memory_.get(), kGuard, bytes + 2 * kGuardBytes);
    }
    unsigned char* data() const { return memory_.get() + kGuardBytes; }
    std::size_t size() const { return bytes_; }
    bool is_guarded() const {
        for (std::size_t i = 0; i < kGuardBytes; ++i) {
            if (memory_[i] != kGuard || data()[bytes_ + i] != kGuard) return false;
        }
        return true;
    }

   private:
    struct Free {
        void operator()(unsigned char* memory) const { ::operator delete[](memory, std::align_val_t{64}); }
    };
    std::size_t bytes_;
    std::unique_ptr<unsigned char[], Free> memory_;
};

template <class T>
void fill(const Operand& operand, std::uint64_t seed, const Sizes& sizes, std::int64_t n, unsigned char* to) {
    if (n == 0) return;
    if (operand.fill == Fill::classes) {
        const auto values = golden::indices(seed, n, sizes[1]);
        std::memcpy(to, values.data(), values.size() * sizeof(std::int64_t));
        return;
    }
    const auto values = operand.fill == Fill::centred
                            ? golden::centred<T>(seed, n, 4)
                            : golden::positive<T>(seed, n, operand.fill == Fill::positive ? 2 : 1);
    std::memcpy(to, values.data(), values.size() * sizeof(T));
}

// The arrays of one call.
class Arguments {
   public:
    Arguments(const Operation& operation, const Sizes& of) : operation_(operation), sizes(of) {
        for (const Operand& operand : operation.operands) {
            const std::int64_t n = operand.elements(sizes);
            const std::size_t bytes = static_cast<std::size_t>(n) * operand.element_bytes;
            blocks.push_back(std::make_unique<Block>(bytes));
            const std::uint64_t seed = blocks.size();
            unsigned char* const to = blocks.back()->data();
            operand.element_bytes == 4 ? fill<float>(operand, seed, sizes, n, to)
                                       : fill<double>(operand, seed, sizes, n, to);
            pointers.push_back(operand.is_null || n == 0 ? nullptr : to);
        }
    }

    fastnn_status call(void* scratch = nullptr, std::size_t bytes = 0) const {
        return operation_.call(sizes, pointers.data(), scratch, bytes);
    }

    std::vector<unsigned char> contents() const {
        std::vector<unsigned char> all;
        for (const auto& block : blocks) all.insert(all.end(), block->data(), block->data() + block->size());
        return all;
    }
    bool are_guarded() const {
        for (const auto& block : blocks) {
            if (!block->is_guarded()) return false;
        }
        return true;
    }

    std::vector<std::unique_ptr<Block>> blocks;
    std::vector<void*> pointers;

   private:
    const Operation& operation_;

   public:
    Sizes sizes;
};

std::string shown(const Sizes& sizes) {
    std::string text;
    for (const std::int64_t size : sizes) text += (text.empty() ? "" : " x ") + std::to_string(size);
    return text;
}

void check_values(const Operation& operation, const Sizes& sizes) {
    CAPTURE(shown(sizes));
    const Arguments expected(operation, sizes);
    operation.core(sizes, expected.pointers.data());
    const auto contents = expected.contents();
    const Arguments own(operation, sizes);
    REQUIRE(own.call() == FASTNN_OK);
    CHECK(own.contents() == contents);
    CHECK(own.are_guarded());
    if (!operation.scratch) return;
    // Not a byte more than the query says.
    const Arguments lent(operation, sizes);
    const Block scratch(operation.scratch(sizes));
    const long before = allocations();
    const fastnn_status status = lent.call(scratch.size() > 0 ? scratch.data() : nullptr, scratch.size());
    const long after = allocations();
    REQUIRE(status == FASTNN_OK);
    if (fastnn_get_num_threads() == 1) CHECK(after == before);
    CHECK(lent.contents() == contents);
    CHECK(lent.are_guarded());
    CHECK(scratch.is_guarded());
}

// One call from the operation's first shape that must fail, and must not write.
class BadCall {
   public:
    explicit BadCall(const Operation& operation)
        : arguments(operation, operation.shapes.front()), before_(arguments.contents()) {}

    void gives(fastnn_status status, void* scratch = nullptr, std::size_t bytes = 0) const {
        CHECK(arguments.call(scratch, bytes) == status);
        CHECK(arguments.contents() == before_);
        CHECK(arguments.are_guarded());
    }

    Arguments arguments;

   private:
    std::vector<unsigned char> before_;
};

void check_pointers(const Operation& operation) {
    for (std::size_t i = 0; i < operation.operands.size(); ++i) {
        const Operand& operand = operation.operands[i];
        CAPTURE(operand.name);
        if (operand.is_null) continue;
        if (!operand.is_optional) {
            BadCall null(operation);
            null.arguments.pointers[i] = nullptr;
            null.gives(FASTNN_NULL_POINTER);
        }
        BadCall misaligned(operation);
        misaligned.arguments.pointers[i] = misaligned.arguments.blocks[i]->data() + 2;
        misaligned.gives(FASTNN_BAD_VALUE);
    }
}

void check_sizes(const Operation& operation) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = 0; i < operation.shapes.front().size(); ++i) {
        for (const std::int64_t size : {std::int64_t{-1}, -kMost - 1, kMost, kMost / 4, std::int64_t{1} << 55}) {
            CAPTURE(i);
            CAPTURE(size);
            BadCall bad(operation);
            bad.arguments.sizes[i] = size;
            bad.gives(FASTNN_BAD_SIZE);
            if (operation.scratch) CHECK(operation.scratch(bad.arguments.sizes) == 0);
        }
    }
}

// Every output moved onto every other array: exactly, and by one element.
void check_overlap(const Operation& operation) {
    for (std::size_t o = 0; o < operation.operands.size(); ++o) {
        if (!operation.operands[o].is_output || operation.operands[o].is_null) continue;
        for (std::size_t i = 0; i < operation.operands.size(); ++i) {
            if (i == o || operation.operands[i].is_null) continue;
            CAPTURE(operation.operands[o].name);
            CAPTURE(operation.operands[i].name);
            for (const bool exactly : {true, false}) {
                CAPTURE(exactly);
                BadCall moved(operation);
                Arguments& arguments = moved.arguments;
                // The larger one stays, so that nothing is outside of the memory there is.
                const bool keeps = arguments.blocks[i]->size() >= arguments.blocks[o]->size();
                const std::size_t from = keeps ? o : i, to = keeps ? i : o;
                const std::size_t last = arguments.blocks[to]->size() / operation.operands[from].element_bytes - 1;
                const std::size_t shift = exactly || last == 0 ? 0 : operation.operands[from].element_bytes;
                arguments.pointers[from] = arguments.blocks[to]->data() + shift;
                if (exactly && operation.operands[o].may_be_first && i == 0) continue;
                moved.gives(FASTNN_OVERLAP);
            }
        }
    }
}

void check_in_place(const Operation& operation) {
    for (std::size_t o = 0; o < operation.operands.size(); ++o) {
        if (!operation.operands[o].may_be_first || operation.operands[o].is_null) continue;
        const Arguments apart(operation, operation.shapes.front());
        REQUIRE(apart.call() == FASTNN_OK);
        Arguments same(operation, operation.shapes.front());
        same.pointers[o] = same.pointers[0];
        REQUIRE(same.call() == FASTNN_OK);
        CHECK(std::memcmp(same.blocks[0]->data(), apart.blocks[o]->data(), apart.blocks[o]->size()) == 0);
    }
}

void check_scratch(const Operation& operation) {
    const std::size_t bytes = operation.scratch(operation.shapes.front());
    const Block memory(bytes + 64);
    BadCall(operation).gives(FASTNN_SMALL_SCRATCH, memory.data(), bytes - 1);
    BadCall(operation).gives(FASTNN_SMALL_SCRATCH, memory.data(), 0);
    BadCall(operation).gives(FASTNN_SMALL_SCRATCH, memory.data() + 8, bytes);
    BadCall(operation).gives(FASTNN_NULL_POINTER, nullptr, bytes);
    for (std::size_t i = 0; i < operation.operands.size(); ++i) {
        if (operation.operands[i].is_null) continue;
        CAPTURE(operation.operands[i].name);
        BadCall overlapping(operation);
        // The array inside of the memory: nothing of it is read.
        overlapping.arguments.pointers[i] = memory.data();
        overlapping.gives(FASTNN_OVERLAP, memory.data(), bytes);
    }
}

// Sizes of 0, each alone and all of them, with null pointers for the arrays without elements.
void check_nothing(const Operation& operation) {
    std::vector<Sizes> shapes = {Sizes(operation.shapes.front().size(), 0)};
    for (std::size_t i = 0; i < operation.shapes.front().size(); ++i) {
        shapes.push_back(operation.shapes.front());
        shapes.back()[i] = 0;
    }
    for (const Sizes& sizes : shapes) {
        bool has_classes = true;
        for (const Operand& operand : operation.operands) {
            has_classes &= operand.fill != Fill::classes || operand.elements(sizes) == 0 || sizes[1] > 0;
        }
        if (has_classes) check_values(operation, sizes);
    }
}

// On one thread, with scratch memory of the caller's, nothing is asked of the system.
void check_quiet(const Operation& operation) {
    std::vector<std::unique_ptr<Arguments>> calls;
    std::vector<std::unique_ptr<Block>> scratch;
    const std::size_t count = std::min<std::size_t>(operation.shapes.size(), 12);
    for (std::size_t i = 0; i < count; ++i) {
        const Sizes& sizes = operation.shapes[operation.shapes.size() - 1 - i];
        calls.push_back(std::make_unique<Arguments>(operation, sizes));
        scratch.push_back(std::make_unique<Block>(operation.scratch ? operation.scratch(sizes) : 0));
    }
    fastnn_prepare();
    const Quiet quiet = runs_quietly([&] {
        bool fine = true;
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t bytes = scratch[i]->size();
            fine &= calls[i]->call(bytes > 0 ? scratch[i]->data() : nullptr, bytes) == FASTNN_OK;
        }
        return fine;
    });
    if (quiet != Quiet::cannot_tell) CHECK(quiet == Quiet::yes);
}

}  // namespace

std::vector<Sizes> all_of(const std::vector<std::vector<std::int64_t>>& choices) {
    std::vector<Sizes> all = {{}};
    for (const auto& sizes : choices) {
        std::vector<Sizes> longer;
        for (const Sizes& begun : all) {
            for (const std::int64_t size : sizes) {
                longer.push_back(begun);
                longer.back().push_back(size);
            }
        }
        all = std::move(longer);
    }
    return all;
}

void check(const Operation& operation) {
    INFO(operation.name);
    const int threads = fastnn_get_num_threads();
    for (const int count : {1, 2, 5}) {
        CAPTURE(count);
        fastnn_set_num_threads(count);
        for (const Sizes& sizes : operation.shapes) check_values(operation, sizes);
        check_nothing(operation);
        if (count == 1) check_quiet(operation);
    }
    fastnn_set_num_threads(threads);
    check_pointers(operation);
    check_sizes(operation);
    check_overlap(operation);
    check_in_place(operation);
    if (operation.scratch && operation.scratch(operation.shapes.front()) > 0) check_scratch(operation);
}

}  // namespace capi
