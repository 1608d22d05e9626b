"""The modules a private Asterisk loads, by what they are for. Anything else stays on the disk."""

_PJSIP = """
    res_pjproject res_pjsip res_pjsip_session res_pjsip_authenticator_digest
    res_pjsip_outbound_authenticator_digest res_pjsip_endpoint_identifier_ip res_pjsip_endpoint_identifier_user
    res_pjsip_registrar res_pjsip_outbound_registration res_pjsip_pubsub res_pjsip_nat
    res_pjsip_sdp_rtp res_pjsip_caller_id res_pjsip_diversion res_pjsip_rfc3326 res_pjsip_dtmf_info
    res_pjsip_empty_info res_pjsip_header_funcs res_pjsip_refer res_pjsip_logger res_pjsip_history
    res_pjsip_dlg_options res_pjsip_path res_pjsip_acl res_rtp_asterisk res_srtp res_crypto chan_pjsip
    func_pjsip_aor func_pjsip_contact func_pjsip_endpoint res_security_log
"""
_ARI = """
    res_http_websocket res_websocket_client res_stasis res_stasis_answer res_stasis_device_state res_stasis_playback
    res_stasis_recording res_stasis_snoop res_ari res_ari_model res_ari_applications res_ari_asterisk
    res_ari_bridges res_ari_channels res_ari_device_states res_ari_endpoints res_ari_events res_ari_playbacks
    res_ari_recordings res_ari_sounds app_stasis
"""
_MEDIA = """
    bridge_simple bridge_softmix bridge_holding bridge_native_rtp bridge_builtin_features res_timing_timerfd
    res_musiconhold codec_a_mu codec_alaw codec_ulaw codec_g722 codec_gsm codec_resample format_pcm format_wav
    format_wav_gsm format_gsm format_sln res_tonedetect func_talkdetect chan_bridge_media
    res_format_attr_opus
"""
_DIALPLAN = """
    pbx_config app_dial app_queue app_playback app_playtones app_verbose app_echo app_read app_record app_amd
    app_mixmonitor app_chanspy app_bridgewait app_originate app_softhangup
    app_stack app_senddtmf res_speech res_agi func_callerid func_channel
    func_db func_global func_groupcount func_hangupcause func_logic func_math func_strings func_timeout func_cut
    func_devstate func_dialplan func_volume func_periodic_hook func_sprintf func_uri func_json func_jitterbuffer
"""
_STORAGE = """
    res_sorcery_config res_sorcery_memory res_sorcery_astdb res_cdrel_custom cel_custom
"""

MODULES = tuple(f"{name}.so" for name in (_PJSIP + _ARI + _MEDIA + _DIALPLAN + _STORAGE).split())
WEBRTC = ("res_pjsip_transport_websocket.so",)
"""What browsers need beside those. The HTTP server takes SIP at /ws from then on."""

NEEDED = tuple(
    """
    res_pjsip res_pjsip_session res_pjsip_authenticator_digest res_pjsip_outbound_authenticator_digest
    res_pjsip_endpoint_identifier_ip res_pjsip_endpoint_identifier_user res_pjsip_registrar
    res_pjsip_outbound_registration res_pjsip_nat res_pjsip_sdp_rtp res_pjsip_caller_id res_pjsip_rfc3326
    res_rtp_asterisk chan_pjsip res_http_websocket res_stasis res_stasis_answer res_stasis_playback res_ari
    res_ari_applications res_ari_asterisk res_ari_bridges res_ari_channels res_ari_endpoints res_ari_events
    res_ari_playbacks app_stasis bridge_simple bridge_softmix bridge_holding res_musiconhold pbx_config app_dial
    app_playback app_stack func_callerid func_channel func_logic func_math func_strings func_cut func_timeout
    """.split()  # noqa: SIM905 - as above
)
"""Without these nothing works in an Asterisk that is somebody else's. The names have no `.so`."""
NEEDED_BY_BROWSERS = ("res_pjsip_transport_websocket", "res_srtp")
