#pragma once

#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <cstddef>
#include <memory>
#include <string>

#include "harness/packet.h"
#include "program_under_test.h"

namespace afxfw::test {

/// What the ABI says each outcome does, under fallback "pass".
inline Judgement judgement(afxfw_outcome outcome, std::size_t bytes) {
  switch (outcome) {
    case AFXFW_PASS_NOT_IP:
    case AFXFW_PASS_NEIGHBOUR:
    case AFXFW_FALLBACK:
    case AFXFW_PASS_FLOW:
      return {XDP_PASS, outcome, bytes};
    case AFXFW_REDIRECT:
    case AFXFW_REDIRECT_NEW_FLOW:
      return {XDP_REDIRECT, outcome, bytes};
    default:
      return {XDP_DROP, outcome, bytes};
  }
}

class Classify : public testing::Test {
 protected:
  void SetUp() override { AFXFW_SKIP_WITHOUT_BPF(); }

  /// Loads the program with a socket on queue 0.
  void load(const afxfw_inline_policy& policy) {
    program_ = std::make_unique<ProgramUnderTest>(policy);
    program_->add_socket(0);
  }

  void expect(afxfw_outcome outcome, const Bytes& frame, const std::string& what = {}) {
    EXPECT_EQ(program_->run(frame), judgement(outcome, frame.size())) << what;
  }
  void expect(afxfw_outcome outcome, const Packet& packet, const std::string& what = {}) {
    expect(outcome, packet.bytes(), what);
  }

  ProgramUnderTest& program() { return *program_; }

 private:
  std::unique_ptr<ProgramUnderTest> program_;
};

class DefaultPolicy : public Classify {
 protected:
  void SetUp() override {
    AFXFW_SKIP_WITHOUT_BPF();
    load(default_policy());
  }
};

}  // namespace afxfw::test
