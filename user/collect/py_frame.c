/* SPDX-License-Identifier: BSD-2-Clause */
/* code.h, frameobject.h up to 3.10, pycore_frame.h and pystate.h: from DWARF of real builds. */
#include "collect/py_frame.h"

const struct py_code_layout *py_code_layout(int minor)
{
	static const struct py_code_layout v36 = { 0x18, 0x1c, 0x24, 0x60, 0x68, 0x70,
						   0x40, 0x50, 0x48, 0,	   0 };
	static const struct py_code_layout v38 = { 0x1c, 0x20, 0x28, 0x68, 0x70, 0x78,
						   0x48, 0x58, 0x50, 0,	   0 };
	static const struct py_code_layout v311 = { 0x4c, 0x44, 0x48, 0x70, 0x78, 0x88,
						    0x60, 0,	0,    0xb8, 0x80 };
	static const struct py_code_layout v312 = { 0x48, 0x40, 0x44, 0x70, 0x78, 0x88,
						    0x60, 0,	0,    0xc0, 0x80 };
	static const struct py_code_layout v313 = { 0x48, 0x40, 0x44, 0x70, 0x78, 0x88,
						    0x60, 0,	0,    0xc8, 0x80 };
	static const struct py_code_layout v314 = { 0x48, 0x40, 0x44, 0x70, 0x78, 0x88,
						    0x60, 0,	0,    0xd0, 0x80 };

	return minor <= 7    ? &v36
	       : minor <= 10 ? &v38
	       : minor == 11 ? &v311
	       : minor == 12 ? &v312
	       : minor == 13 ? &v313
			     : &v314;
}

const struct py_frame_layout *py_frame_layout(int minor)
{
	static const struct py_frame_layout v311 = { 0x20, 0x0,	 0x18, 0x28, 0x30,
						     0x38, 0x40, 0x45, 0x48 };
	static const struct py_frame_layout v312 = { 0x0,  0x10, 0x28, 0x30, 0x8,
						     0x38, 0x40, 0x46, 0x48 };
	static const struct py_frame_layout v314 = { 0x0,  0x10, 0x28, 0x30, 0x8,
						     0x38, 0x40, 0x4a, 0x50 };

	return minor == 11 ? &v311 : minor <= 13 ? &v312 : &v314;
}

const struct py_old_frame_layout *py_old_frame_layout(int minor)
{
	static const struct py_old_frame_layout v36 = { 0x50, 0x40, 0x48, 0x78, 0x178 };
	static const struct py_old_frame_layout v37 = { 0x50, 0x40, 0x48, 0x68, 0x168 };
	static const struct py_old_frame_layout v310 = { 0x48, 0x40, 0x50, 0x60, 0x160 };

	return minor == 6 ? &v36 : minor <= 9 ? &v37 : &v310;
}

uint32_t py_cframe_frame(int minor)
{
	return minor == 11 ? 8 : 0; /* _PyCFrame.current_frame */
}
