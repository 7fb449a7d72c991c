/* SPDX-License-Identifier: MIT */
/*
 * test.h - the same tests, run as a program on the host.
 *
 * Everything a test writes is the kernel's <tests/test.h>; only how a test is
 * found differs.  There is no linker script here, so the section bears a C
 * name, for which the linker itself provides __start_ and __stop_.
 *
 * Counters, audits and quiescing watch a whole kernel: they are left out, so
 * that a host test which wants one does not build.
 */
#pragma once
#include_next <tests/test.h>

#undef TEST_REGISTER
#define TEST_REGISTER(section_, type_, object_)                                \
	static const struct type_ *const object_##_ptr                         \
		__attribute__((used, section("host_tests"))) = &(object_)

#undef TEST_AUDIT
#undef TEST_LEAK_COUNTER
#undef TEST_QUIESCE
