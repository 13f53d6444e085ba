// Memory that the core owns.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>

#include "vec.hpp"

namespace skgd::SKGD_ARCH {

// Zeros. Large ones take no memory before they are written.
template <class T>
class Buffer {
public:
    Buffer() = default;
    explicit Buffer(int64_t n) {
        if (n <= 0) return;
        block_ = std::calloc(static_cast<size_t>(n) * sizeof(T) + 64, 1);
        if (!block_) throw std::bad_alloc();
        const auto address = reinterpret_cast<uintptr_t>(block_);
        data_ = reinterpret_cast<T*>((address + 63) & ~uintptr_t{63});
    }
    Buffer(Buffer&& other) noexcept : block_(other.block_), data_(other.data_) {
        other.block_ = nullptr;
        other.data_ = nullptr;
    }
    Buffer& operator=(Buffer&& other) noexcept {
        void* block = block_;
        T* data = data_;
        block_ = other.block_, data_ = other.data_;
        other.block_ = block, other.data_ = data;
        return *this;
    }
    ~Buffer() { std::free(block_); }

    T* get() const { return data_; }
    T& operator[](int64_t i) const { return data_[i]; }
    explicit operator bool() const { return data_ != nullptr; }

private:
    void* block_ = nullptr;
    T* data_ = nullptr;
};

// Memory that grows with what is asked for; what was in it is then gone.
template <class T>
class Scratch {
public:
    T* get(int64_t n) const {
        if (n > n_) {
            n_ = 2 * n;
            buffer_ = Buffer<T>(n_);
        }
        return buffer_.get();
    }

private:
    mutable int64_t n_ = 0;
    mutable Buffer<T> buffer_;
};

}  // namespace skgd::SKGD_ARCH
