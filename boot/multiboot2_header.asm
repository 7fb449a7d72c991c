; SPDX-License-Identifier: MIT
;
; multiboot2_header.asm - how GRUB recognises the image and where it enters.
;
; GRUB searches the file's first 32 KiB for this, checks the sum and refuses
; what it cannot give, except where a tag is marked optional.  It loads the ELF
; segments where they ask to be, and enters in 32-bit protected mode, on UEFI
; as on BIOS, boot services ended.
; Source: the Multiboot2 specification 2.0, chapter 3.
;
%include "arch/x86_64/layout.inc"

MAGIC			equ 0xe85250d6
ARCHITECTURE_I386	equ 0

TAG_END			equ 0
TAG_INFORMATION		equ 1
TAG_ENTRY_ADDRESS	equ 3
TAG_CONSOLE		equ 4
TAG_FRAMEBUFFER		equ 5
TAG_MODULE_ALIGN	equ 6
OPTIONAL		equ 1
CONSOLE_TEXT_WORKS	equ 2

WANT_MEMORY_MAP		equ 6

extern	multiboot2_entry		; arch/x86_64/entry.asm

section .boot.header alloc noexec nowrite align=8
header:
	dd	MAGIC
	dd	ARCHITECTURE_I386
	dd	header_end - header
	dd	-(MAGIC + ARCHITECTURE_I386 + (header_end - header))

	; Without a memory map there is nothing to boot in.
	dw	TAG_INFORMATION, 0
	dd	12
	dd	WANT_MEMORY_MAP
	align	8, db 0

	; The ELF entry point, which GRUB would take, is PVH's.
	dw	TAG_ENTRY_ADDRESS, 0
	dd	12
	dd	PHYS(multiboot2_entry)
	align	8, db 0

	; Pixels of this kind if there are any, a text screen if not, and no
	; screen at all if not even that.
	dw	TAG_CONSOLE, OPTIONAL
	dd	12
	dd	CONSOLE_TEXT_WORKS
	align	8, db 0

	dw	TAG_FRAMEBUFFER, OPTIONAL
	dd	20
	dd	1024, 768, 32
	align	8, db 0

	dw	TAG_MODULE_ALIGN, OPTIONAL
	dd	8

	dw	TAG_END, 0
	dd	8
header_end:

section .note.GNU-stack noalloc noexec nowrite progbits
